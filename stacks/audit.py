"""What records and watches the account of an environment."""

from constructs import Construct

from mlops_constructs.audit.detection import AccessAnalyzers, ThreatDetection
from mlops_constructs.audit.hub import SecurityHub
from mlops_constructs.audit.recorder import ConfigRecorder, ConformancePack
from mlops_constructs.audit.routes import AccountWatch, FindingRoutes, finding_dead_letters
from mlops_constructs.audit.rules_data import RULES
from mlops_constructs.audit.settings import AccountSettings, SensitiveData, VulnerabilityScanning
from mlops_constructs.audit.trail import ObjectLock, Trail
from mlops_constructs.datalake.lake import ZONES
from mlops_constructs.orchestration.bus import DeadLetterQueue
from stacks.base import PlatformStack
from stacks.config import Environment
from stacks.config.audit import Audit
from stacks.contract import publish
from stacks.data_lake import DataLakeStack
from stacks.foundation import FoundationStack

FINDING_PARTS = ("security_hub", "guardduty", "macie", "access_analyzer", "inspector")


class AuditStack(PlatformStack):
    """Trail, configuration history and rules, posture, threats, personal data, access, vulnerabilities.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed; it has the section `audit`.
        audit: that section; each part is made when it is there.
        foundation: keys, access logs, alerts.
        lake: the buckets that are watched.

    Attributes:
        trail: the `Trail`, or None.
        pack: the `ConformancePack`, or None.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        audit: Audit,
        foundation: FoundationStack,
        lake: DataLakeStack,
    ) -> None:
        super().__init__(scope, id, environment=environment, stateful=True)
        self._foundation, self._zones = foundation, [getattr(lake.lake, zone) for zone in ZONES]
        self.trail = self._trail(environment, audit)
        self.pack = self._config(environment, audit)
        if audit.security_hub:
            hub = SecurityHub(self, "SecurityHub", standards=audit.security_hub.standards)
            if self.pack:
                hub.node.add_dependency(self.pack)  # controls judge what the recorder records
        if audit.guardduty:
            ThreatDetection(self, "GuardDuty", features=audit.guardduty.features)
        if audit.access_analyzer:
            AccessAnalyzers(self, "AccessAnalyzer", unused_after_days=audit.access_analyzer.unused_after_days)
        if audit.macie or audit.inspector:
            self._settings(environment, audit)
        if self.trail or set(FINDING_PARTS) & set(audit.parts):
            self._alerts(environment, audit)
        if self.trail:
            values = {"trail-bucket": self.trail.bucket.bucket_name, "trail": self.trail.trail.attr_arn}
            publish(self, environment, "audit", values)

    def _trail(self, environment: Environment, audit: Audit) -> Trail | None:
        if audit.trail is None:
            return None
        keys = self._foundation.keys
        lock = audit.trail.object_lock
        return Trail(
            self,
            "Trail",
            name=f"mlops-{environment.name}",
            encryption_key=keys.evidence,
            access_log_bucket=self._foundation.access_logs,
            object_lock=ObjectLock(days=lock.days, mode=lock.mode),
            keep_days=audit.trail.keep_days,
            buckets=self._zones,
            function_prefix=f"mlops-{environment.name}-",
            insights=audit.trail.insights,
            log_key=keys.logs if audit.trail.log_group else None,
        )

    def _config(self, environment: Environment, audit: Audit) -> ConformancePack | None:
        if audit.config is None:
            return None
        recorder = ConfigRecorder(
            self,
            "Recorder",
            encryption_key=self._foundation.keys.evidence,
            access_log_bucket=self._foundation.access_logs,
            keep_days=audit.config.keep_days,
            frequency=audit.config.frequency,
            service_linked_role=audit.config.service_linked_role,
        )
        guarded = environment.stage.guarded
        return ConformancePack(
            self,
            "Pack",
            name=f"mlops-{environment.name}",
            recorder=recorder,
            rules=[r for r in RULES if r.applies(region=environment.region, parts=audit.parts, guarded=guarded)],
            values={
                "log_days": str(environment.log_retention_days),
                "lake_buckets": ",".join(zone.bucket_name for zone in self._zones),
            },
        )

    def _settings(self, environment: Environment, audit: Audit) -> None:
        keys = self._foundation.keys
        settings = AccountSettings(
            self,
            "Settings",
            encryption_key=keys.secrets,
            log_key=keys.logs,
            # A boundary that the organisation prescribes stays: it then has to allow Inspector and Macie itself.
            boundary_path=environment.role_path if environment.permissions_boundary is None else None,
        )
        if audit.inspector:
            VulnerabilityScanning(self, "Inspector", settings=settings, scans=audit.inspector.scans)
        if audit.macie:
            SensitiveData(
                self,
                "Macie",
                settings=settings,
                job_name=f"mlops-{environment.name}-lake",
                buckets=self._zones,
                keys=[keys.data, keys.models],
                weekday=audit.macie.weekday,
                sampling_percent=audit.macie.sampling_percent,
            )

    def _alerts(self, environment: Environment, audit: Audit) -> None:
        keys, topic = self._foundation.keys, self._foundation.alerts
        queue: DeadLetterQueue = finding_dead_letters(self, "DeadLetters", encryption_key=keys.data, alarm_topic=topic)
        if self.trail:
            AccountWatch(self, "Watch", topic=topic, dead_letter_queue=queue)
        if parts := [part for part in FINDING_PARTS if part in audit.parts]:
            FindingRoutes(
                self,
                "Findings",
                name=f"mlops-{environment.name}-findings",
                parts=parts,
                topic=topic,
                dead_letter_queue=queue,
                log_key=keys.logs,
                severities=audit.alert_severities,
            )
