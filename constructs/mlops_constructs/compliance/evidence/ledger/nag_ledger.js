// Every verdict of cdk-nag, passes too: node nag_ledger.js < request.json > ledger.json
// request: {"packs": ["AwsSolutionsChecks", ...], "templates": ["/path/x.template.json", ...]}
// cdk-nag 3 reports failures only, so NagPack.applyRule (not public) is replaced: ledger/nag.py pins the version that was
// read, and a test proves that this ledger names every finding the packs report when they run inside `cdk synth`.
'use strict';
const fs = require('fs');
const cdk = require('aws-cdk-lib');
const { CfnInclude } = require('aws-cdk-lib/cloudformation-include');
const nag = require('cdk-nag');

const STATUS = { Compliant: 'PASS', 'Non-Compliant': 'FAIL', 'N/A': 'NOT_APPLICABLE' };
const request = JSON.parse(fs.readFileSync(0, 'utf8'));
const ledger = { rows: [], notApplicable: {}, refused: {}, rules: {} };
let template;
let logicalIds;

if (typeof nag.NagPack.prototype.applyRule !== 'function') throw new Error('cdk-nag has no NagPack.applyRule any more');

nag.NagPack.prototype.applyRule = function (params) {
  const rule = `${this.packName}-${params.ruleSuffixOverride || params.rule.name}`;
  ledger.rules[rule] = { pack: this.packName, base: params.rule.name, info: params.info, explanation: params.explanation };
  const row = { template, pack: this.packName, rule, logicalId: logicalIds.get(params.node), findings: [] };
  try {
    const verdict = params.rule(params.node);
    if (Array.isArray(verdict)) {
      row.findings = verdict;
      row.status = verdict.length ? 'FAIL' : 'PASS';
    } else if (verdict in STATUS) {
      row.status = STATUS[verdict];
    } else {
      throw new Error(`verdict ${JSON.stringify(verdict)} is unknown to this ledger`);
    }
  } catch (error) {
    row.status = 'ERROR';
    row.error = String(error.message);
  }
  if (row.status === 'NOT_APPLICABLE') ledger.notApplicable[rule] = (ledger.notApplicable[rule] || 0) + 1;
  else ledger.rows.push(row);
};

const app = new cdk.App({ analyticsReporting: false });
request.templates.forEach((file, index) => {
  const stack = new cdk.Stack(app, `T${index}`);
  try {
    new CfnInclude(stack, 'Template', { templateFile: file, preserveLogicalIds: true, allowCyclicalReferences: true });
  } catch (error) {
    ledger.refused[file] = String(error.message);
    return;
  }
  template = file;
  logicalIds = new Map();
  for (const node of stack.node.findAll()) {
    if (cdk.CfnResource.isCfnResource(node)) logicalIds.set(node, stack.resolve(node.logicalId));
  }
  for (const pack of request.packs) new nag[pack](app).validateScope(stack);
});
// Not console.log: a rule that prints must not spoil the ledger, and a pipe may take the text in pieces.
fs.writeFileSync(1, JSON.stringify(ledger));
