"""Governance: keys, boundary, network, alerts, waivers. Serves every phase from Initial on."""

from mlops_constructs.governance.alerts import AlertTopic
from mlops_constructs.governance.boundary import Boundary
from mlops_constructs.governance.key_policy import allow_event_services, allow_log_encryption, key_policy
from mlops_constructs.governance.keys import Keys
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.private_network import PrivateNetwork
from mlops_constructs.governance.waivers import Waiver, waive

__all__ = [
    "AlertTopic",
    "Boundary",
    "Keys",
    "Network",
    "PrivateNetwork",
    "Waiver",
    "allow_event_services",
    "allow_log_encryption",
    "key_policy",
    "waive",
]
