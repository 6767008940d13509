//! Lanes that come and go all the time, on a real broker: no liveness probe may take that for a stall.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::harness::{Deployment, deploy};
use crate::metrics::{get, values};

/// How long the storm lasts, unless `BATON_LIVEZ_SECONDS` says otherwise (`make chaos-livez`).
const STORM: u64 = 40;
/// A member joins every so many seconds, and at once takes lanes from others.
const JOINS: u64 = 3;
/// So many beside the one that stays; the oldest is killed, and gives its lanes back when its session is over.
const GUESTS: usize = 3;

/// Starts a scorer with a name that nobody had; gives its name and where it answers.
fn join(deployment: &mut Deployment, number: u64) -> (String, String) {
    let (name, address) = (format!("m{number}"), TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    deployment.settings.push(("BATON_HTTP__LISTEN".to_owned(), address.to_string()));
    deployment.start_as("score", &name);
    deployment.settings.pop();
    (name, address.to_string())
}

/// Something that twenty leads did within this second.
fn lines(second: u64) -> Vec<String> {
    let at = jiff::Timestamp::from_second(1_780_000_000 + i64::try_from(second).unwrap()).unwrap();
    let line = |lead: u64| {
        format!(
            r#"{{"type":"page","messageId":"m-{second}-{lead}","userId":"u-{lead}","timestamp":"{at}","receivedAt":"{at}"}}"#
        )
    };
    (0..20).map(line).collect()
}

#[test]
fn a_storm_of_real_rebalances_is_no_stall() {
    let Some(mut deployment) = deploy("livez") else { return };
    let seconds = std::env::var("BATON_LIVEZ_SECONDS").map_or(STORM, |seconds| seconds.parse().unwrap());
    deployment.settings.push(("BATON_LOG__LEVEL".to_owned(), "info".to_owned()));
    deployment.start("identify");
    deployment.start("aggregate");
    let (mut members, mut answers) = (VecDeque::from([join(&mut deployment, 0)]), 0_u64);
    let began = Instant::now();
    for second in 1.. {
        if began.elapsed() > Duration::from_secs(seconds) {
            break;
        }
        deployment.ingest(&lines(second));
        if second % JOINS == 0 {
            members.push_back(join(&mut deployment, second));
            if members.len() > 1 + GUESTS {
                // Behind the one that stays.
                let (gone, _) = members.remove(1).unwrap();
                deployment.kill_as("score", &gone);
            }
        }
        for (name, address) in &members {
            // One that has just begun does not answer yet.
            let Some((code, said)) = get(address, "/livez") else { continue };
            assert_eq!(code, 200, "{name} after {} s: {said}\n{}", began.elapsed().as_secs(), deployment.logs());
            answers += 1;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    let logs = deployment.logs();
    let moved = logs.matches("lanes assigned lanes=[").count() - logs.matches("lanes assigned lanes=[]").count();
    eprintln!("livez: asked {answers} times in {seconds} s, in which lanes were given to somebody {moved} times");
    assert!(moved as u64 > seconds / 8, "it was no storm: {moved}\n{logs}");
    assert!(answers > seconds / 2, "{answers} answers in {seconds} s");
    let (_, page) = get(&members[0].1, "/metrics").expect("the one that stays answers");
    assert!(!values(&page, "baton_events_total", &["outcome"]).is_empty(), "and has judged\n{page}");
}
