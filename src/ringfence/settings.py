"""Every setting, its default and its sentence.

Settings are read once, from environment variables that begin with `RINGFENCE_` (`RINGFENCE_PORT=8080`); `ringfence serve`
takes the commonest as options. `docs/settings.md` is generated from this file.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may decide about an installation."""

    model_config = SettingsConfigDict(env_prefix="RINGFENCE_", frozen=True)

    data: Path = Field(Path("data"), description="Folder for the embedded databases and the key that seals secrets.")
    database_url: str | None = Field(
        None,
        description="PostgreSQL address (`postgresql://user:password@host/name`); without it, SQLite in the data folder. On "
        "another machine it is spoken to by TLS that proves who answers (`?sslmode=verify-full`, by the system's authorities or "
        "`&sslrootcert=FILE`), unless another mode is written out.",
    )
    master_key: SecretStr | None = Field(
        None,
        description="The master key that wraps the organizations' keys (base64 of 32 bytes; several with commas between them, "
        "the newest last); without it, `master.key` in the data folder.",
    )
    master_key_file: Path | None = Field(
        None, description="Another file for the master key than the one in the data folder."
    )
    master_key_command: str | None = Field(
        None,
        description="Command that prints the master key, such as the helper of a key service; it is run without a shell.",
    )
    host: str = Field("127.0.0.1", description="Address that the pages and the API listen on.")
    port: int = Field(
        8080, ge=0, le=65535, description="Port that the pages and the API listen on; 0 takes a free one."
    )
    public_url: str | None = Field(
        None, description="Address by which people reach the pages, if not http://host:port."
    )
    allowed_hosts: str = Field(
        "",
        description="Further names under which people reach the pages (`soc.contoso.com, *.fabrikam.com`), besides that of "
        "public_url, this machine's own, localhost and every IP address; others are refused.",
    )
    trusted_proxies: str = Field(
        "",
        description="Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: `10.1.0.5, 10.2.0.0/16`; of others they "
        "are ignored.",
    )
    tls_certificate: Path | None = Field(
        None,
        description="Certificate chain (PEM) with which the pages are served by TLS; read again when the file has changed.",
    )
    tls_key: Path | None = Field(
        None, description="Private key (PEM) of that certificate, where it is in another file."
    )
    connections: int = Field(
        1000, ge=10, description="Connections that are open at a time; more are told to come back."
    )
    rate_address: int = Field(
        600, ge=0, description="Requests a minute from one address where nobody is signed in; 0 sets no limit."
    )
    rate_session: int = Field(1200, ge=0, description="Requests a minute of one session or API token; 0 sets no limit.")
    rate_organization: int = Field(
        12_000, ge=0, description="Requests a minute of all sessions and tokens of an organization; 0 sets no limit."
    )
    log_level: str = Field("info", description="debug, info, warning or error.")
    log_format: str = Field("text", description="`text` for people, `json` for log collectors.")
    poll_interval: float = Field(60.0, gt=0, description="Seconds between two polls of one account's alerts.")
    poll_overlap: float = Field(
        300.0,
        ge=0,
        description="Seconds before the newest alert seen that each poll reads again, for alerts that surface late.",
    )
    poll_page_size: int = Field(1000, ge=1, le=10_000, description="Alerts asked for in one page.")
    poll_history: str = Field("1 day ago", description="How far back the first poll of an account goes, in words.")
    completeness_interval: float = Field(
        3600.0,
        ge=0,
        description="Seconds between two sweeps of a service, which re-read what its polls may have missed; 0 switches them off.",
    )
    completeness_hours: float = Field(
        48.0, ge=24, le=72, description="Hours that a sweep goes back, as far as the service's history goes."
    )
    why_days: float = Field(
        30.0,
        gt=0,
        description="Days for which is kept why each version of an alert did or did not start each playbook.",
    )
    succeeded_run_days: float = Field(
        90.0, ge=0, description="Days for which runs that succeeded are kept after their end; 0 keeps them for ever."
    )
    failed_run_days: float = Field(
        365.0, ge=0, description="Days for which runs that failed, if only in part, are kept; 0 keeps them for ever."
    )
    cancelled_run_days: float = Field(
        90.0, ge=0, description="Days for which runs that were cancelled are kept; 0 keeps them for ever."
    )
    account_check_interval: float = Field(
        3600.0,
        ge=60,
        description="Seconds between two checks of a connected account that works; one that does not is checked more often.",
    )
    confirm_interval: float = Field(
        5.0, gt=0, description="Seconds between two looks at the machine actions that are still pending."
    )
    reconcile_interval: float = Field(
        60.0,
        gt=0,
        description="Seconds between two comparisons of what is wanted with what Defender did, one list call each for a tenant.",
    )
    sign_of_life: float = Field(
        26 * 3600.0,
        gt=0,
        description="Seconds without a sign of life after which an isolated device counts as lost; there is one in about 24 h.",
    )
    release_warning: float = Field(
        1800.0,
        ge=0,
        description="Seconds before an auto-release at which people are warned (at most half of the timer); 0 warns nobody.",
    )
    decision_deadline: float = Field(
        4 * 3600.0, gt=0, description="Seconds after which an isolation that Defender still has queued is withdrawn."
    )
    write_back: Literal["people", "all", "off"] = Field(
        "people",
        description="Which containments tell their alert the verified result: those that a person asked for (`people`; the "
        "steps of a playbook tell it themselves), `all`, or none (`off`).",
    )
    proof_body_limit: int = Field(
        16_384,
        ge=256,
        description="Characters kept of each body of a request to Defender about a containment, and of its reply.",
    )
    proof_days: float = Field(
        400.0, gt=0, description="Days for which the requests and replies of a containment that is over are kept."
    )
    audit_heads: Path | None = Field(
        None,
        description="File that the signed heads of the audit log are added to; without it, audit-heads.jsonl in the data folder.",
    )
    audit_head_syslog: str | None = Field(
        None,
        description="Syslog server (RFC 5424) that gets the signed heads too: `tls://log.contoso.com:6514`, or tcp:// or udp://.",
    )
    audit_head_webhook: str | None = Field(
        None, description="Address that the signed heads are posted to as well: `https://log.contoso.com/heads`."
    )
    audit_head_webhook_token: SecretStr | None = Field(
        None, description="Token that goes with them (`Authorization: Bearer …`)."
    )
    audit_head_authority: Path | None = Field(
        None,
        description="File with the certificates that the syslog server's and the webhook's are checked against, if not the "
        "system's.",
    )
    audit_head_interval: float = Field(
        300.0,
        gt=0,
        description="Seconds between two looks whether an audit log has grown and its head is to be signed.",
    )
    pools: str = Field(
        "default",
        description="Pools of trigger services that this worker serves: `default, europe`; a service is read by the workers of "
        "its pool.",
    )
    sweep_interval: float = Field(
        5.0, gt=0, description="Seconds between two searches for work that a crash left behind."
    )
    lease: float = Field(30.0, gt=0, description="Seconds for which a worker holds a run without renewing.")
    dead_after: float = Field(
        15.0, gt=0, description="Seconds without a heartbeat after which a worker counts as dead."
    )
    concurrency: int = Field(20, ge=1, description="Runs that one worker carries at a time.")
    attachment_limit: int = Field(
        256 * 1024 * 1024, ge=0, description="Bytes of the largest file that a step may keep with its run."
    )
    webhook_max_body: int = Field(262_144, ge=1, le=1_000_000, description="The most bytes that a webhook takes in.")
    webhook_tolerance: float = Field(
        300.0, gt=0, description="Seconds by which the clock of a webhook's sender may differ from ours."
    )
    webhook_rate: int = Field(600, ge=1, description="Messages a minute that one sender may post to one webhook.")
    webhook_organization_rate: int = Field(
        6_000,
        ge=0,
        description="Well signed messages a minute that all webhooks of an organization take in together; 0 sets no limit.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Token that lets a monitoring system read /metrics (`Authorization: Bearer …`); 16 characters or more.",
        min_length=16,
    )
    egress_private: str = Field(
        "",
        description="Private networks that notifications and playbooks may reach all the same: `10.1.0.0/16, 127.0.0.1`; others "
        "are refused.",
    )
    identity_private: str = Field(
        "",
        description="Private networks in which providers of identities (OpenID Connect) may be reached all the same: "
        "`10.1.0.0/16, 127.0.0.1`; others are refused.",
    )
    egress_hosts: str = Field(
        "",
        description="Hosts that playbooks call at most, whatever an organization allows: `*.contoso.com, api.fabrikam.com`; "
        "without it, any.",
    )
    session_hours: float = Field(12.0, gt=0, description="Hours after which a browser must sign in again.")
    session_idle_minutes: float = Field(
        60.0,
        gt=0,
        description="Minutes without use after which a browser must sign in again; open live pages are no use.",
    )
    confirm_minutes: float = Field(
        15.0,
        gt=0,
        description="Minutes after signing in for which people need not prove again who they are, to change roles, credentials "
        "or tokens, or to take the kill switch off.",
    )
    password_length: int = Field(15, ge=8, le=64, description="The fewest characters of a new password.")
    breached_passwords: Path | None = Field(
        None,
        description="Hashes of breached passwords that nobody may choose, from Have I Been Pwned: a sorted file of `SHA1:count` "
        "lines, or a folder of ranges; without it, a list of common passwords that comes with Ringfence.",
    )
    second_factor: Literal["nobody", "administrators", "responders", "everybody"] = Field(
        "everybody",
        description="Who must sign in with a code of an authenticator app beside the password or the link: `responders` are all "
        "who may contain, administrators among them; an organization can demand more.",
    )

    @property
    def audit_heads_file(self) -> Path:
        """Where the signed heads of the audit log are kept."""
        return self.audit_heads or self.data / "audit-heads.jsonl"

    @property
    def origin(self) -> str:
        """Where people reach the pages, as far as the settings say."""
        scheme = "http" if self.tls_certificate is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"{scheme}://{host}:{self.port}").rstrip("/")

    @property
    def served_pools(self) -> tuple[str, ...]:
        """The pools of trigger services that this worker serves."""
        return tuple(dict.fromkeys(self.pools.replace(",", " ").split()))

    @property
    def sqlite(self) -> bool:
        """Whether the embedded database is used."""
        return self.database_url is None
