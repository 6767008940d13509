//! What must be done about an error of librdkafka, by where it came up.

use baton_engine::Fault;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::raw::RawError;
use crate::signals::Signals;

pub(crate) fn fatal(error: &RawError) -> Fault {
    Fault::Fatal(error.to_string())
}

/// Within a transaction: what the error says, and fatal when it says nothing.
pub(crate) fn in_transaction(error: &RawError) -> Fault {
    match error.code {
        Code::ProducerFenced | Code::Fenced | Code::InvalidProducerEpoch if error.fatal => {
            Fault::Fenced(format!("another instance writes under this transactional id: {error}"))
        }
        Code::TransactionalIdAuthorizationFailed | Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed => {
            Fault::Config(error.to_string())
        }
        // The engine writes nothing above its bound, so the topic allows less than it should: again is in vain.
        Code::MessageSizeTooLarge => Fault::Config(format!(
            "{error}; the topic's max.message.bytes is lower than Baton needs: see `baton topics plan`"
        )),
        _ if error.abort => Fault::Abort(error.to_string()),
        _ => Fault::Fatal(error.to_string()),
    }
}

/// Before the commit was asked for, an error that is not fatal can always be undone.
pub(crate) fn undo_or_worse(error: &RawError) -> Fault {
    match in_transaction(error) {
        Fault::Fatal(why) if !error.fatal => Fault::Abort(why),
        other => other,
    }
}

/// A question that the cluster did not answer.
pub(crate) fn asked(error: &RawError, signals: &Signals) -> Fault {
    match error.code {
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
            Fault::Fatal(absent(&error.text))
        }
        Code::TransactionalIdAuthorizationFailed
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::InvalidTransactionTimeout
        | Code::UnsupportedFeature => Fault::Config(error.to_string()),
        _ => {
            let why = signals.last_failure();
            Fault::Fatal(if why.is_empty() { error.to_string() } else { format!("{error}: {why}") })
        }
    }
}

/// The topics were there at the start, and a broker that has only just started may not know them yet: asked
/// again, not given up.
fn absent(text: &str) -> String {
    format!("{text}; if the topic was deleted, create it with `baton topics apply`")
}

pub(crate) fn group_error(code: Code, text: String) -> Result<(), Fault> {
    match code {
        Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed => Err(Fault::Config(text)),
        Code::UnknownTopicOrPartition => Err(Fault::Fatal(absent(&text))),
        _ => {
            tracing::debug!(?code, "{text}");
            Ok(())
        }
    }
}

pub(crate) fn reader_error(code: Code, text: String) -> Result<(), Fault> {
    match code {
        Code::OffsetOutOfRange | Code::AutoOffsetReset => {
            Err(Fault::Config(format!("the records to read next are not on the topic any more: {text}")))
        }
        Code::TopicAuthorizationFailed => Err(Fault::Config(text)),
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => Err(Fault::Fatal(absent(&text))),
        _ => {
            tracing::debug!(?code, "{text}");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Code) -> RawError {
        RawError { code, text: format!("{code:?}"), fatal: false, retriable: false, abort: true }
    }

    #[test]
    fn a_topic_that_a_starting_broker_does_not_know_yet_is_asked_for_again() {
        use Code::{UnknownPartition, UnknownTopic, UnknownTopicOrPartition};
        for code in [UnknownPartition, UnknownTopic, UnknownTopicOrPartition] {
            assert!(matches!(asked(&error(code), &Signals::default()), Fault::Fatal(_)), "{code:?}");
            assert!(matches!(reader_error(code, String::new()), Err(Fault::Fatal(_))), "{code:?}");
        }
        assert!(matches!(group_error(UnknownTopicOrPartition, String::new()), Err(Fault::Fatal(_))));
    }

    #[test]
    fn a_missing_permission_ends_the_consumer_with_its_name() {
        use Code::{GroupAuthorizationFailed, TopicAuthorizationFailed, TransactionalIdAuthorizationFailed};
        for code in [TopicAuthorizationFailed, GroupAuthorizationFailed, TransactionalIdAuthorizationFailed] {
            let named = |fault: Fault| matches!(&fault, Fault::Config(why) if why.contains("AuthorizationFailed"));
            assert!(named(in_transaction(&error(code))), "{code:?}");
            assert!(named(undo_or_worse(&error(code))), "{code:?}");
            assert!(named(asked(&error(code), &Signals::default())), "{code:?}");
        }
        assert!(group_error(GroupAuthorizationFailed, "group".to_owned()).is_err());
        assert!(reader_error(TopicAuthorizationFailed, "topic".to_owned()).is_err());
    }
}
