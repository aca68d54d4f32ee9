"""Every setting of the service, from the environment, with one prefix: `ATYPIA_`."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, FilePath, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from imaging.dicom_audit.repository import Repository, check_url
from imaging.limits import Limits
from inference.bundle import Variant
from inference.placement import TENSORRT, Binding, Placement
from service.cores import inference_threads, usable_cores

_REPOSITORY = Path(__file__).resolve().parents[1]
_MIB = 2**20


class Settings(BaseSettings):
    """Built once in `main`, passed down to whoever needs a value; nothing else reads the environment."""

    model_config = SettingsConfigDict(env_prefix="ATYPIA_", frozen=True, extra="forbid")

    data_dir: Path = Field(default=Path("var"), description="folder of uploads, results and embedded server")
    bundles: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(_REPOSITORY / "bundles",),
        description="folders that hold bundles, separated as in PATH",
    )
    store_url: str | None = Field(
        default=None,
        pattern=r"^s3://[^/]+",
        description="s3://bucket/prefix of uploads and results; unset: a folder of data_dir",
    )
    store_allow_http: bool = Field(default=False, description="whether the bucket may be asked without TLS")
    redis_url: str | None = Field(
        default=None,
        pattern=r"^(unix|rediss?(\+(sentinel|cluster))?)://",
        description="URL of Redis, see service.connection; the embedded server when unset",
    )
    redis_password_file: FilePath | None = Field(
        default=None, description="file that holds the password of Redis, so that the URL need not"
    )
    redis_ca_file: FilePath | None = Field(
        default=None, description="certificates that a server of rediss:// is held against, PEM"
    )
    key_prefix: str = Field(default="atypia", description="first part of every Redis key")
    host: str = Field(default="127.0.0.1", description="address that the API listens on")
    port: int = Field(default=8000, ge=0, le=65535, description="port that the API listens on")

    anonymous: Literal["loopback", "never", "everywhere"] = Field(
        default="loopback",
        description="who needs no key: callers on loopback while there is no key, nobody, or everybody",
    )
    oidc_issuer: str | None = Field(
        default=None, description="OpenID Connect provider whose tokens are taken, as its `iss` says it"
    )
    oidc_audience: str = Field(default="atypia", description="the `aud` that its tokens must have")
    oidc_scope_claim: str = Field(
        default="scope", description="the claim that holds `atypia:score`, `atypia:read`, `atypia:admin`"
    )

    max_upload_bytes: int = Field(default=2 * 1024 * _MIB, ge=1, description="largest request body")
    max_files: int = Field(default=5000, ge=1, description="most files in one upload or archive")
    max_decoded_bytes: int = Field(default=4096 * _MIB, ge=1, description="largest decoded image")
    max_queued: int = Field(default=1000, ge=1, description="unfinished jobs above which uploads get 429")
    max_wait_s: float = Field(default=120.0, ge=0, description="longest wait that `Prefer: wait` is granted")

    keep_uploads: Literal["deidentified", "as-sent", "no"] = Field(
        default="deidentified", description="how the uploads of jobs that are done are kept"
    )
    keep_inputs_hours: float = Field(default=24.0, gt=0, description="how long uploads are kept")
    keep_results_hours: float = Field(default=168.0, gt=0, description="how long jobs and results are kept")

    expire_queued_hours: float = Field(
        default=24.0, gt=0, description="how long a job may wait before it expires untried"
    )

    lease_s: float = Field(
        default=5.0, gt=0, description="silence after which a worker's job goes to another"
    )
    max_deliveries: int = Field(default=3, ge=1, description="times a job may stop its worker")
    worker_jobs: int = Field(default=4, ge=1, description="jobs that one worker has in hand at once")
    drain_s: float = Field(default=10.0, ge=0, description="time a stopping worker has to finish its jobs")
    decode_timeout_s: float = Field(default=120.0, gt=0, description="longest decoding of one upload")
    decode_memory_bytes: int = Field(
        default=12 * 1024 * _MIB, ge=64 * _MIB, description="memory of one decoding process, beyond its start"
    )

    providers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("CUDAExecutionProvider", "CPUExecutionProvider"),
        description="ONNX Runtime providers in order of preference, separated by commas",
    )
    threads: int = Field(
        default=0, ge=0, description="threads of one inference; 0 shares three of every four cores"
    )
    variant: Variant = Field(
        default="whole", description="graph of each bundle that is run; the whole one where it has no such"
    )
    binding: Binding = Field(
        default="none", description="what a batch leaves on the device: nothing, its memory, a CUDA graph"
    )
    batch_delay_ms: float = Field(
        default=5.0, ge=0, description="how long a batch with room waits for slices that are being decoded"
    )
    max_batch: int = Field(default=16, ge=1, description="slices that go through the network at once")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least severe log line that is written"
    )

    traces_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="OTLP/HTTP address that traces are sent to; unset: none are made",
    )

    # What keeps the service from being overrun.
    max_queued_bytes: int = Field(
        default=32 * 1024 * _MIB, ge=1, description="bytes of unfinished uploads above which more get 429"
    )
    min_free_bytes: int = Field(
        default=1024 * _MIB, ge=0, description="free disk space of the store below which uploads get 503"
    )
    rate_per_minute: float = Field(
        default=0.0, ge=0, description="uploads a minute of one client, 429 above; 0 is no limit"
    )
    rate_burst: int = Field(default=20, ge=1, description="uploads that one client may send at once")
    heartbeat_s: int = Field(default=15, ge=1, description="seconds between comments in a stream of events")

    # Who may be told when a job has ended.
    callback_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="host names, addresses and networks that callbacks may lead to, separated by commas",
    )
    callback_secret: SecretStr | None = Field(
        default=None, min_length=16, validate_default=True, description="what callbacks are signed with"
    )
    callback_tries: int = Field(default=8, ge=1, description="times that a callback is tried")

    # Where the audit trail of DICOM goes.
    audit_syslog: Annotated[str, AfterValidator(check_url)] | None = Field(
        default=None,
        description="tls://host:port or udp://host:port of an audit record repository; unset: none",
    )
    audit_syslog_ca_file: FilePath | None = Field(
        default=None, description="certificates that the repository is held against, PEM"
    )
    audit_syslog_certificate_file: FilePath | None = Field(
        default=None, description="certificate that is shown to the repository, PEM"
    )
    audit_syslog_key_file: FilePath | None = Field(
        default=None, description="its private key, where that is in a file of its own"
    )
    audit_site: str | None = Field(
        default=None, max_length=100, description="AuditEnterpriseSiteID of audit messages"
    )

    dicomweb_file: FilePath | None = Field(
        default=None, description="TOML file of the DICOMweb servers that series are fetched from and sent to"
    )

    @property
    def limits(self) -> Limits:
        return Limits(max_decoded_bytes=self.max_decoded_bytes, max_files=self.max_files)

    @property
    def placement(self) -> Placement:
        """Where the graphs of this process run."""
        engines = self.data_dir / "engines" if TENSORRT in self.providers else None
        threads = self.threads or inference_threads(usable_cores())
        return Placement(self.providers, threads, self.binding, engines)

    @property
    def audit_repository(self) -> Repository | None:
        if self.audit_syslog is None:
            return None
        return Repository(
            self.audit_syslog,
            self.audit_syslog_ca_file,
            self.audit_syslog_certificate_file,
            self.audit_syslog_key_file,
        )

    @property
    def audit_dir(self) -> Path:
        return self.data_dir / "audit"

    @property
    def store_dir(self) -> Path:
        return self.data_dir / "store"

    @field_validator("bundles", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        return (
            tuple(Path(part) for part in value.split(os.pathsep) if part) if isinstance(value, str) else value
        )

    @field_validator("providers", "callback_hosts", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("redis_ca_file")
    @classmethod
    def _need_tls(cls, file: Path | None, found: ValidationInfo) -> Path | None:
        if file is not None and not str(found.data.get("redis_url")).startswith("rediss"):
            raise ValueError("certificates are for TLS; let redis_url begin with rediss")
        return file

    @field_validator("callback_secret")
    @classmethod
    def _sign_all(cls, secret: SecretStr | None, found: ValidationInfo) -> SecretStr | None:
        if found.data.get("callback_hosts") and secret is None:
            raise ValueError(
                "callbacks need a secret of at least 16 characters, such as openssl rand -hex 32"
            )
        return secret
