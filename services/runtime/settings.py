"""Settings of every server, read once in `__main__` and passed down."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of a server: environment variables `GLIOSYNTH_...`, overridden by options of the command line."""

    model_config = SettingsConfigDict(
        env_prefix="GLIOSYNTH_",
        frozen=True,
        use_attribute_docstrings=True,
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` in a container."""
    port: int = Field(default=50051, ge=0, le=65535)
    """Port of gRPC; 0 takes a free one and prints it."""
    metrics_port: int = Field(default=9464, ge=0, le=65535)
    """Port of `/metrics` over HTTP on the same address; 0 takes a free one and prints it."""

    model_repository: Path = Path("model_repository")
    """Folder of the models in Triton's layout: <model>/config.pbtxt, <model>/<version>/model.onnx."""
    engine: Literal["onnxruntime", "openvino", "triton"] = "onnxruntime"
    """What computes the models."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the engine; bf16 only with openvino."""
    triton_url: str = "127.0.0.1:8001"
    """host:port of Triton's gRPC; used with engine triton only."""
    threads: int = Field(default=0, ge=0)
    """Threads that one model uses inside an operator; 0 takes every core."""

    max_request_bytes: int = Field(default=1 << 30, gt=0)
    """Most bytes that the volumes of one request may announce together."""
    max_inflated_bytes: int = Field(default=1 << 30, gt=0)
    """Most bytes that one compressed volume may inflate to."""
    max_volume_voxels: int = Field(default=150_000_000, gt=0)
    """Most voxels of one volume; 512 x 512 x 512 is 134 million."""
    max_buffered_bytes: int = Field(default=4 << 30, gt=0)
    """Most bytes that all running requests together may hold in receive buffers."""
    max_concurrent_requests: int = Field(default=2, gt=0)
    """Requests computed at the same time; one more is refused with RESOURCE_EXHAUSTED and advice when to retry."""

    keepalive_s: float = Field(default=2.0, gt=0)
    """Seconds without news after which the last progress is sent again."""
    drain_delay_s: float = Field(default=0.0, ge=0)
    """Seconds between NOT_SERVING and refusing new requests, for load balancers to notice."""
    drain_grace_s: float = Field(default=120.0, ge=0)
    """Seconds that running requests have to finish after SIGTERM; then they are cancelled."""

    tls_certificate: Path | None = None
    """PEM file with the server's certificate chain; with `tls_key` it turns TLS on."""
    tls_key: Path | None = None
    """PEM file with the server's private key."""
    tls_client_ca: Path | None = None
    """PEM file with the authority of client certificates; when given, clients without one are refused (mTLS)."""

    cohort_folder: Path = Path("cohorts")
    """Folder of the cohorts' job database and files, where the next two settings are empty; made when first used."""
    database_url: str = ""
    """Job database, such as `postgresql://user@host/name`; empty for a SQLite file in `cohort_folder`."""
    store_url: str = ""
    """Store of the cohorts' files, such as `s3://bucket/prefix` (credentials from the store's own standard variables);
    empty for a folder in `cohort_folder`."""
    cohort_workers: int = Field(default=1, ge=0, le=256)
    """Worker processes that a server starts as soon as there is work, and ends with itself; 0 leaves the work to
    workers of their own (`python -m services.cohort.worker`)."""
    cohort_segmenter: str = "segmenter"
    """Family of the models with which the gate reads each synthetic case again; empty for a gate without."""
    cohort_generator_engine: Literal["onnxruntime", "openvino", "triton"] = "onnxruntime"
    """What computes the networks that paint cohorts; triton at `triton_url`. Pinned in each cohort, because engines
    differ in the last bits: the same in server and workers."""
    cohort_expiry_days: float = Field(default=30.0, ge=0)
    """Days from the end of the work on a cohort to its deletion; 0 for never."""
    cohort_retries: int = Field(default=5, ge=0, le=20)
    """Further tries of a case whose files cannot be stored, 1, 2, 4, ... seconds apart; then the cohort fails and can
    be resumed."""
    worker_lease_s: float = Field(default=30.0, gt=0)
    """Seconds without a sign of life after which a worker is taken for dead and others take over its work."""
    worker_poll_s: float = Field(default=0.2, gt=0)
    """Seconds between two looks of an idle worker at the queue."""
    max_streams: int = Field(default=32, gt=0)
    """Calls that watch, wait for or download cohorts at the same time; one more is refused with RESOURCE_EXHAUSTED."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least serious event that is logged."""
    git_sha: str = "unknown"
    """Commit that the image was built from, for `gliosynth_build_info`."""

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        """Refuses settings that do not fit together, naming the remedy."""
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("GLIOSYNTH_TLS_CERTIFICATE and GLIOSYNTH_TLS_KEY go together: set both or none")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise ValueError("GLIOSYNTH_TLS_CLIENT_CA needs GLIOSYNTH_TLS_CERTIFICATE and GLIOSYNTH_TLS_KEY")
        if self.precision == "bf16" and self.engine != "openvino":
            raise ValueError("GLIOSYNTH_PRECISION=bf16 needs GLIOSYNTH_ENGINE=openvino")
        return self


def read_settings(arguments: list[str]) -> Settings:
    """Returns the settings of the environment and the command line; the latter wins.

    Args:
        arguments: Command line without the program's name, such as `["--port", "0"]`. `--help` prints every setting.
    """
    return CliApp.run(Settings, cli_args=arguments)
