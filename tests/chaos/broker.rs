//! The brokers of a run: started, killed and bounced through `deploy/kafka/kafka.sh`.
//!
//! Holds: a signal goes only to the process that `kafka.sh` noted for this run's own folder; a broker that
//! comes back has the address it had.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::trouble::{Done, trouble};

/// A broker in a folder of its own; wiped by [`Broker::wipe`], else kept for a look.
#[derive(Clone, Debug)]
pub(crate) struct Broker {
    script: PathBuf,
    dir: PathBuf,
    /// What makes it a node of a cluster.
    node: Vec<String>,
}

/// One broker, or several that hold a copy of everything each.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    nodes: Vec<Broker>,
}

impl Cluster {
    /// Not started yet: one broker in `dir`, or so many in folders below it.
    pub(crate) fn new(dir: &Path, nodes: usize) -> Done<Self> {
        let only = Broker::new(dir);
        if nodes == 1 {
            return Ok(Self { nodes: vec![only] });
        }
        let quorum = dir.join("quorum");
        let drawn =
            Command::new("bash").arg(&only.script).arg("quorum").arg(&quorum).arg(nodes.to_string()).status()?;
        if !drawn.success() {
            return trouble(format!("kafka.sh quorum ended with {drawn}"));
        }
        let quorum = quorum.display().to_string();
        let node = |n: usize| Broker {
            node: ["--quorum", &quorum, "--node", &n.to_string()].map(str::to_owned).into(),
            ..Broker::new(&dir.join(format!("node-{n}")))
        };
        Ok(Self { nodes: (1..=nodes).map(node).collect() })
    }

    /// Starts all of them at once, for none serves before most are there; returns where they listen.
    pub(crate) fn start(&self) -> Done<String> {
        together(&self.nodes, Broker::start).map(|all| all.join(","))
    }

    /// The nodes after the first `skip` in turn, at most `many`.
    pub(crate) fn some(&self, skip: usize, many: usize) -> Vec<Broker> {
        self.nodes.iter().cycle().skip(skip % self.nodes.len()).take(many.min(self.nodes.len())).cloned().collect()
    }

    /// How many there are.
    pub(crate) fn size(&self) -> usize {
        self.nodes.len()
    }

    /// The only one; a proxy can stand in front of it.
    pub(crate) fn single(&self) -> Option<&Broker> {
        self.nodes.first().filter(|_| self.nodes.len() == 1)
    }

    /// Clean stop of all.
    pub(crate) fn stop(&self) -> Done {
        together(&self.nodes, Broker::stop).map(drop)
    }

    /// Stops all and deletes what they kept.
    pub(crate) fn wipe(&self) -> Done {
        together(&self.nodes, Broker::wipe).map(drop)
    }
}

/// Does the same to several brokers at the same time.
pub(crate) fn together<T: Send>(brokers: &[Broker], act: impl Fn(&Broker) -> Done<T> + Sync) -> Done<Vec<T>> {
    let act = &act;
    std::thread::scope(|scope| {
        let threads: Vec<_> = brokers.iter().map(|broker| scope.spawn(move || act(broker))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| trouble("a broker's thread panicked")))
            .collect()
    })
}

impl Broker {
    /// Not started yet.
    pub(crate) fn new(dir: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kafka/kafka.sh");
        Self { script, dir: dir.to_owned(), node: Vec::new() }
    }

    /// Starts it; returns where it listens.
    pub(crate) fn start(&self) -> Done<String> {
        let mut arguments = vec!["--profile", "test"];
        arguments.extend(self.node.iter().map(String::as_str));
        let said = self.call("start", &arguments)?;
        Ok(said.lines().next_back().unwrap_or_default().trim().to_owned())
    }

    /// Where a proxy is to listen, and where it is to pass its clients on to.
    pub(crate) fn door(&self) -> Done<(String, String)> {
        let said = std::fs::read_to_string(self.dir.join("proxy"))?;
        let Some((listen, upstream)) = said.trim().split_once(' ') else {
            return trouble("kafka.sh named no door for a proxy");
        };
        Ok((listen.to_owned(), upstream.to_owned()))
    }

    /// Clean stop.
    pub(crate) fn stop(&self) -> Done {
        self.call("stop", &[]).map(drop)
    }

    /// kill -9; returns when it is gone.
    pub(crate) fn kill(&self) -> Done {
        let pid = std::fs::read_to_string(self.dir.join("broker.pid"))?.trim().to_owned();
        signal("KILL", &pid)?;
        let began = Instant::now();
        while is_running(&pid) {
            if began.elapsed() > Duration::from_secs(20) {
                return trouble(format!("the broker (pid {pid}) outlived kill -9"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Stops it and deletes what it kept.
    pub(crate) fn wipe(&self) -> Done {
        self.call("wipe", &[]).map(drop)
    }

    fn call(&self, verb: &str, arguments: &[&str]) -> Done<String> {
        let done = Command::new("bash")
            .arg(&self.script)
            .arg(verb)
            .arg("--dir")
            .arg(&self.dir)
            .args(arguments)
            .stdin(Stdio::null())
            .output()?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            return trouble(format!("kafka.sh {verb} ended with {}: {said}", done.status));
        }
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }
}

/// Sends a signal by name to one process.
pub(crate) fn signal(name: &str, pid: &str) -> Done {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(pid).stderr(Stdio::null()).status()?;
    if sent.success() { Ok(()) } else { trouble(format!("could not send SIG{name} to {pid}")) }
}

/// Whether the process is there and is not just waiting to be collected.
fn is_running(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = state.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next()).map(str::to_owned);
    state.is_some_and(|state| state != "Z" && state != "X")
}
