"""Data lake: zones, catalog and the ingestion of files. Serves the phases Initial and Repeatable."""

from mlops_constructs.datalake.dataset import Column, Dataset
from mlops_constructs.datalake.ingestion import Ingestion
from mlops_constructs.datalake.lake import Lake
from mlops_constructs.datalake.roles import IngestionRoles
from mlops_constructs.datalake.zone import AccessLogBucket, BucketEmptier, Zone

__all__ = ["AccessLogBucket", "BucketEmptier", "Column", "Dataset", "Ingestion", "IngestionRoles", "Lake", "Zone"]
