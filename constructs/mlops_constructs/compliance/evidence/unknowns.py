"""What no template can show: said in every review, so that nobody takes silence for evidence."""

NOT_IN_TEMPLATES: tuple[tuple[str, str], ...] = (
    (
        "Settings of the account and the organisation",
        "S3 and EBS account defaults, service control policies in force, an existing trail or detector, the password "
        "policy. Where the audit and organisation stacks set them, they are judged; what exists beside them is not.",
    ),
    (
        "Changes after deployment",
        "Templates say what is asked for. Whether the account still looks like that is what AWS Config, CloudTrail and "
        "CloudFormation drift detection answer; the Config rules of a control carry its id.",
    ),
    (
        "What runs inside",
        "Code of functions, scripts and images. Images are pinned and scanned (ML-7), nobody reads them here.",
    ),
    (
        "Arguments of a job made at run time",
        "A workflow that starts a training job passes arguments of the execution. What the definition fixes is judged "
        "(ML-1, ML-2, ML-10); what arrives with the execution is limited by the deny statements of the roles.",
    ),
    (
        "The data themselves",
        "Whether a column holds personal data, whether a dataset is representative, whether a label is right. Quality "
        "rules, Macie and the model card speak of that, not a template.",
    ),
    (
        "Existing resources that are named, not made",
        "A network, key or role given by its id or ARN: its settings belong to whoever made it.",
    ),
    (
        "People and procedures",
        "Who may take a role, who approves a model, who reads an alarm: the roles and topics are here, the people are "
        "in the identity provider and the rota.",
    ),
)
"""Subject, and where the answer is."""
