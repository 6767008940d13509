//! The client against a stand-in that answers as Confluent's registry does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use super::*;

/// What the stand-in was asked: method and path, authorisation, body.
#[derive(Debug, PartialEq, Eq)]
struct Asked(String, Option<String>, String);

/// Answers one request after another with these (status, body), then closes.
fn stand_in(answers: Vec<(u16, &'static str)>) -> (String, mpsc::Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/apis/ccompat/v7", listener.local_addr().unwrap());
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for (status, body) in answers {
            let (stream, _) = listener.accept().unwrap();
            said.send(serve(stream, status, body)).unwrap();
        }
    });
    (url, heard)
}

fn serve(stream: TcpStream, status: u16, body: &str) -> Asked {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length, mut login) = (String::new(), 0, None);
    reader.read_line(&mut head).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => login = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut sent = vec![0; length];
    reader.read_exact(&mut sent).unwrap();
    let mut stream = reader.into_inner();
    write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
    let path = head.trim_end_matches(" HTTP/1.1\r\n").to_owned();
    Asked(path, login, String::from_utf8(sent).unwrap())
}

#[test]
fn a_schema_is_registered_under_its_subject_with_the_login() {
    let (url, heard) = stand_in(vec![(200, r#"{"id":7}"#)]);
    let registry = Registry::new(&url, Some(("ada", "s3cret")));
    assert_eq!(registry.register("lead.events-value", r#""string""#).unwrap(), 7);
    let asked = heard.recv().unwrap();
    assert_eq!(asked.0, "POST /apis/ccompat/v7/subjects/lead.events-value/versions");
    assert_eq!(asked.1.as_deref(), Some("Basic YWRhOnMzY3JldA=="));
    assert_eq!(asked.2, r#"{"schema":"\"string\""}"#);
}

#[test]
fn a_schema_that_is_not_registered_is_named_with_the_way_out() {
    let (url, _heard) = stand_in(vec![(404, r#"{"error_code":40403,"message":"Schema not found"}"#)]);
    let error = Registry::new(&url, None).adopt(&[("lead.events-value".to_owned(), "{}")]).unwrap_err().to_string();
    for part in ["lead.events-value", "Schema not found", "baton topics apply"] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[test]
fn an_answer_is_kept_because_ids_never_change() {
    let (url, heard) = stand_in(vec![(200, r#"{"schema":"\"string\""}"#)]);
    let registry = Registry::new(&url, None);
    for _ in 0..3 {
        assert_eq!(registry.by_id(9).as_deref(), Some(r#""string""#));
    }
    assert_eq!(heard.recv().unwrap().0, "GET /apis/ccompat/v7/schemas/ids/9");
    assert!(heard.try_recv().is_err(), "asked once");
}

#[test]
fn an_unknown_id_is_no_and_a_registry_in_trouble_is_waited_for() {
    let (url, heard) =
        stand_in(vec![(503, "busy"), (429, ""), (404, r#"{"error_code":40403,"message":"Schema not found"}"#)]);
    assert_eq!(Registry::new(&url, None).by_id(9), None);
    assert_eq!(heard.iter().count(), 3);
}

#[test]
fn nobody_there_is_said_with_the_address() {
    let error = Registry::new("http://127.0.0.1:1", None).register("s", "{}").unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1:1"), "{error}");
}

#[test]
fn a_login_is_written_as_in_the_standards_own_example() {
    assert_eq!(basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_eq!(basic("a", "bc"), "Basic YTpiYw==");
    assert_eq!(basic("ab", "cd"), "Basic YWI6Y2Q=");
}
