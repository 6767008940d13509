//! A thin client of a Confluent-compatible schema registry.
//!
//! Holds: ids are immutable, so an answer is kept for good; a registry that is down makes its caller
//! wait, never skip a record.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use baton_pipeline::Schemas;
use serde_json::{Value, json};

/// The registry cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegistryError {
    /// No answer.
    #[error("schema registry {url} does not answer: {detail}")]
    Down {
        /// Where.
        url: String,
        /// What happened.
        detail: String,
    },
    /// An answer that is no.
    #[error("schema registry {url}: {subject}: {detail}")]
    Refused {
        /// Where.
        url: String,
        /// Which subject.
        subject: String,
        /// What it says.
        detail: String,
    },
}

/// A registry's client, with what it has answered.
pub struct Registry {
    url: String,
    authorization: Option<String>,
    agent: ureq::Agent,
    own: BTreeMap<String, u32>,
    known: RefCell<BTreeMap<u32, String>>,
}

impl Registry {
    /// A client. `login` is user and password.
    pub fn new(url: &str, login: Option<(&str, &str)>) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Self {
            url: url.trim_end_matches('/').to_owned(),
            authorization: login.map(|(user, password)| basic(user, password)),
            agent: config.into(),
            own: BTreeMap::new(),
            known: RefCell::new(BTreeMap::new()),
        }
    }

    /// Registers a schema under a subject, if it is not there yet, and returns its id.
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        self.ask_id(&format!("/subjects/{subject}/versions"), subject, schema)
    }

    /// Looks up the id of each (subject, schema); all must be registered.
    pub fn adopt(&mut self, schemas: &[(String, &str)]) -> Result<(), RegistryError> {
        for (subject, schema) in schemas {
            let id = self.ask_id(&format!("/subjects/{subject}"), subject, schema)?;
            self.own.insert(subject.clone(), id);
        }
        Ok(())
    }

    fn ask_id(&self, path: &str, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        let (status, answer) = self.post(path, &json!({ "schema": schema }))?;
        let id = answer.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
        match id {
            Some(id) if status == 200 => Ok(id),
            _ => {
                let message = answer.get("message").and_then(Value::as_str).unwrap_or("no message");
                let detail = if status == 404 {
                    format!("not registered ({message}); register with `baton topics apply`")
                } else {
                    format!("answer {status}: {message}")
                };
                Err(RegistryError::Refused { url: self.url.clone(), subject: subject.to_owned(), detail })
            }
        }
    }

    fn post(&self, path: &str, body: &Value) -> Result<(u16, Value), RegistryError> {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let answer =
            request.header("content-type", "application/vnd.schemaregistry.v1+json").send(body.to_string().as_bytes());
        self.read(answer)
    }

    fn get(&self, path: &str) -> Result<(u16, Value), RegistryError> {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        self.read(request.call())
    }

    fn read(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<(u16, Value), RegistryError> {
        let down = |detail: String| RegistryError::Down { url: self.url.clone(), detail };
        let mut answer = answer.map_err(|error| down(error.to_string()))?;
        let status = answer.status().as_u16();
        if status >= 500 || status == 429 {
            return Err(down(format!("answer {status}")));
        }
        let text = answer.body_mut().with_config().limit(4 << 20).read_to_string().map_err(|e| down(e.to_string()))?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }
}

impl Schemas for Registry {
    fn by_id(&self, id: u32) -> Option<String> {
        if let Some(schema) = self.known.borrow().get(&id) {
            return Some(schema.clone());
        }
        let mut pause = Duration::from_millis(100);
        loop {
            match self.get(&format!("/schemas/ids/{id}")) {
                Ok((200, answer)) => {
                    let schema = answer.get("schema").and_then(Value::as_str).map(str::to_owned);
                    if let Some(schema) = &schema {
                        self.known.borrow_mut().insert(id, schema.clone());
                    }
                    return schema;
                }
                Ok((404, _)) => return None,
                Ok((status, _)) => tracing::warn!(id, status, "the schema registry refuses a schema; asking again"),
                Err(error) => tracing::warn!(id, %error, "waiting for the schema registry"),
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    fn id_of(&self, subject: &str) -> Option<u32> {
        self.own.get(subject).copied()
    }
}

/// RFC 7617.
fn basic(user: &str, password: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes = format!("{user}:{password}").into_bytes();
    let mut text = String::from("Basic ");
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = ALPHABET[(group >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests;
