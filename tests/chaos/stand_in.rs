//! A schema registry that can be down: it answers as Confluent's does, or with 503.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::trouble::Done;

/// A registry; it lives as long as the run.
pub(crate) struct StandIn {
    /// Its address.
    pub(crate) url: String,
    is_down: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
}

impl StandIn {
    /// Answers from now on. `foreign` are schemas that others registered, by id.
    pub(crate) fn start(foreign: BTreeMap<u64, &'static str>) -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let (is_down, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (down, count) = (Arc::clone(&is_down), Arc::clone(&refused));
        std::thread::Builder::new().name("registry".to_owned()).spawn(move || {
            let mut subjects = Vec::new();
            for stream in listener.incoming().flatten() {
                if down.load(Ordering::Acquire) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                // A client that hangs up is no concern of the next.
                answer(stream, down.load(Ordering::Acquire), &mut subjects, &foreign).ok();
            }
        })?;
        Ok(Self { url, is_down, refused })
    }

    /// From now on it is down, or up again.
    pub(crate) fn down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::Release);
    }

    /// Requests that it refused while it was down.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

fn answer(
    stream: TcpStream,
    is_down: bool,
    subjects: &mut Vec<(String, String)>,
    foreign: &BTreeMap<u64, &str>,
) -> Done {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    reader.read_line(&mut head)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let (status, said) = if is_down { (503, json!({})) } else { reply(path, &body, subjects, foreign) };
    let said = said.to_string();
    let mut stream = reader.into_inner();
    write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}", said.len())?;
    Ok(())
}

fn reply(path: &str, body: &[u8], subjects: &mut Vec<(String, String)>, foreign: &BTreeMap<u64, &str>) -> (u16, Value) {
    let not_found = (404, json!({ "error_code": 40403, "message": "Schema not found" }));
    if let Some(id) = path.strip_prefix("/schemas/ids/").and_then(|id| id.parse::<u64>().ok()) {
        let own = usize::try_from(id).ok().and_then(|id| subjects.get(id.checked_sub(1)?)).map(|(_, s)| s.as_str());
        return match foreign.get(&id).copied().or(own) {
            Some(schema) => (200, json!({ "schema": schema })),
            None => not_found,
        };
    }
    let Some(subject) = path.strip_prefix("/subjects/") else { return not_found };
    let registers = subject.ends_with("/versions");
    let subject = subject.trim_end_matches("/versions").to_owned();
    let schema = serde_json::from_slice::<Value>(body).ok().and_then(|body| Some(body["schema"].as_str()?.to_owned()));
    let Some(schema) = schema else { return (422, json!({ "error_code": 42201, "message": "Invalid schema" })) };
    let wanted = (subject, schema);
    let place = match subjects.iter().position(|known| *known == wanted) {
        Some(place) => place,
        None if registers => {
            subjects.push(wanted);
            subjects.len() - 1
        }
        None => return not_found,
    };
    (200, json!({ "id": place + 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_found_by_id_once_it_is_registered_and_not_before() {
        let (mut subjects, foreign) = (Vec::new(), BTreeMap::from([(1_000, "\"int\"")]));
        let body = br#"{"schema":"\"string\""}"#;
        let mut ask = |path: &str| reply(path, body, &mut subjects, &foreign);
        assert_eq!(ask("/subjects/a-value").0, 404);
        assert_eq!(ask("/schemas/ids/1").0, 404);
        assert_eq!(ask("/subjects/a-value/versions"), (200, json!({ "id": 1 })));
        assert_eq!(ask("/subjects/a-value"), (200, json!({ "id": 1 })));
        assert_eq!(ask("/schemas/ids/1"), (200, json!({ "schema": "\"string\"" })));
        assert_eq!(ask("/schemas/ids/1000"), (200, json!({ "schema": "\"int\"" })));
    }
}
