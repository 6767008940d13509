//! `CloudEvents` 1.0 in Kafka's binary mode: the headers of every record that carries news.

use baton_domain::LogTime;
use baton_engine::{Ctx, Emit};

/// What the headers of a record say.
pub(crate) struct Envelope<'a> {
    /// `lead.handoff.v1`, ...
    pub(crate) kind: &'a str,
    /// The consumer that says it.
    pub(crate) stage: &'a str,
    /// The same on every replay; with the source, the key of idempotence.
    pub(crate) id: &'a str,
    /// Whose news.
    pub(crate) lead_id: &'a str,
    /// Log time of the news.
    pub(crate) at: LogTime,
    /// The event behind it.
    pub(crate) cause: &'a str,
}

/// Where a record goes.
#[derive(Clone, Copy)]
pub(crate) struct To {
    pub(crate) topic: usize,
    pub(crate) partition: i32,
}

/// Adds a record with its envelope, keyed by lead.
pub(crate) fn emit(ctx: &mut Ctx<'_>, to: To, envelope: &Envelope<'_>, value: &[u8]) {
    emit_keyed(ctx, to, envelope.lead_id, envelope, value);
}

/// Adds a record with its envelope, keyed otherwise than by lead.
pub(crate) fn emit_keyed(ctx: &mut Ctx<'_>, to: To, key: &str, envelope: &Envelope<'_>, value: &[u8]) {
    let source = format!("/baton/{}/{}", envelope.stage, ctx.lane());
    let time = rfc3339(envelope.at);
    let headers: [(&str, &[u8]); 8] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", envelope.id.as_bytes()),
        ("ce_source", source.as_bytes()),
        ("ce_type", envelope.kind.as_bytes()),
        ("ce_time", time.as_bytes()),
        ("ce_subject", envelope.lead_id.as_bytes()),
        ("ce_causationid", envelope.cause.as_bytes()),
        ("content-type", b"application/avro"),
    ];
    ctx.emit(Emit { topic: to.topic, partition: to.partition, key: Some(key.as_bytes()), value, headers: &headers });
}

fn rfc3339(at: LogTime) -> String {
    jiff::Timestamp::from_microsecond(at.0).map(|time| time.to_string()).unwrap_or_default()
}
