"""Run directories: written whole or not at all, named by the digest of their inputs."""

from admf_fast.store.manifest import manifest_of, run_id
from admf_fast.store.run_directory import ParquetSink, check_target, write_run

__all__ = ["ParquetSink", "check_target", "manifest_of", "run_id", "write_run"]
