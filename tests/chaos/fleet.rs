//! The consumers as processes, and the supervisor that any platform would be.
//!
//! Holds: a process that ends with a documented code is started again and counted; any other end is an
//! error that fails the run. What the driver kills itself is not an end.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::broker::signal;
use crate::gauges::Gauges;
use crate::topics::Topics;
use crate::trouble::{Done, trouble};

/// A process by its stage and instance name.
pub(crate) type Place = (&'static str, u8);

/// How soon a supervisor starts what ended by itself.
const RESTART: Duration = Duration::from_millis(700);
/// Documented ends: no broker to be found at the start, and try again (fenced, drained too slowly).
const TRY_AGAIN: [i32; 2] = [69, 75];
/// The documented end on a disk that takes nothing.
const NO_ROOM: i32 = 74;
const SIGTERM: i32 = 15;
/// KiB that a file may have on the disk that is full.
const ROOM_KIB: &str = "16";

struct Process {
    child: Child,
    is_paused: bool,
    is_leaving: bool,
}

/// All processes of a run.
pub(crate) struct Fleet {
    bin: PathBuf,
    dir: PathBuf,
    topics: Topics,
    /// Where the consumers find the broker; the tools find it in `topics`.
    address: String,
    settings: Vec<(String, String)>,
    running: BTreeMap<Place, Process>,
    /// What ended by itself and when to start it again.
    waiting: BTreeMap<Place, Instant>,
    full: BTreeMap<Place, usize>,
    ends: BTreeMap<String, usize>,
    pub(crate) gauges: Gauges,
}

impl Fleet {
    /// Nothing runs yet. `dir` gets a folder of state and a log for each process.
    pub(crate) fn new(bin: &Path, dir: &Path, topics: &Topics, address: &str) -> Done<Self> {
        std::fs::create_dir_all(dir.join("logs"))?;
        std::fs::create_dir_all(dir.join("state"))?;
        Ok(Self {
            bin: bin.to_owned(),
            dir: dir.to_owned(),
            topics: topics.clone(),
            address: address.to_owned(),
            settings: Vec::new(),
            running: BTreeMap::new(),
            waiting: BTreeMap::new(),
            full: BTreeMap::new(),
            ends: BTreeMap::new(),
            gauges: Gauges::start()?,
        })
    }

    /// Adds a setting for every command from here on, as environment.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// A command of the binary with the settings of this run.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.bin);
        command.args(args);
        self.dress(&mut command, "tools", &self.topics.bootstrap);
        command
    }

    fn dress(&self, command: &mut Command, state: &str, bootstrap: &str) {
        // Nothing that is set around the run is meant for it.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BATON_")) {
            command.env_remove(name);
        }
        command
            .env("BATON_KAFKA__BOOTSTRAP", bootstrap)
            .env("BATON_TOPICS__PREFIX", &self.topics.prefix)
            .env("BATON_STATE_DIR", self.dir.join("state").join(state))
            .env("BATON_CLOCK", "log")
            .env("BATON_LOG__LEVEL", "info")
            .envs(self.settings.iter().cloned());
    }

    /// Runs a command of the binary to its end; returns its exit code and what it said.
    pub(crate) fn call(&self, args: &[&str]) -> Done<(Option<i32>, String)> {
        let done = self.command(args).stdin(Stdio::null()).output()?;
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        Ok((done.status.code(), said))
    }

    /// The folder of a process's local state.
    pub(crate) fn state(&self, place: Place) -> PathBuf {
        self.dir.join("state").join(name(place))
    }

    /// Starts a process.
    pub(crate) fn start(&mut self, place: Place, after_kill: bool) -> Done {
        let (stage, instance) = place;
        let is_full = self.full.contains_key(&place);
        let log = self.dir.join("logs").join(if is_full {
            // Of its own: the limit is on the size of any file.
            format!("{}.full.{}.log", name(place), self.full.values().sum::<usize>())
        } else {
            format!("{}.log", name(place))
        });
        let mut command = if is_full {
            let mut shell = Command::new("bash");
            // With the signal ignored, a write beyond the limit fails as one to a full disk does.
            shell.args(["-c", r#"trap "" XFSZ; ulimit -f "$0"; exec "$@""#, ROOM_KIB]).arg(&self.bin);
            shell
        } else {
            Command::new(&self.bin)
        };
        command.args(["run", stage, "--set", &format!("instance={instance}")]);
        self.dress(&mut command, &name(place), &self.address);
        let out = OpenOptions::new().create(true).append(true).open(&log)?;
        let from = out.metadata()?.len();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(out).spawn()?;
        self.gauges.watch(stage, child.id(), &log, from, after_kill);
        self.waiting.remove(&place);
        self.running.insert(place, Process { child, is_paused: false, is_leaving: false });
        Ok(())
    }

    /// Whether it runs and nothing holds it.
    pub(crate) fn is_well(&self, place: Place) -> bool {
        self.running.get(&place).is_some_and(|process| !process.is_paused && !process.is_leaving)
            && !self.full.contains_key(&place)
    }

    /// The process's id, while it runs.
    pub(crate) fn pid(&self, place: Place) -> Option<u32> {
        self.running.get(&place).map(|process| process.child.id())
    }

    /// SIGKILL; returns when it is gone.
    pub(crate) fn kill(&mut self, place: Place) -> Done {
        let Some(mut process) = self.running.remove(&place) else { return Ok(()) };
        process.child.kill()?;
        process.child.wait()?;
        self.gauges.forget(process.child.id());
        Ok(())
    }

    /// SIGSTOP, or SIGCONT.
    pub(crate) fn pause(&mut self, place: Place, pauses: bool) -> Done {
        let Some(process) = self.running.get_mut(&place) else { return Ok(()) };
        process.is_paused = pauses;
        signal(if pauses { "STOP" } else { "CONT" }, &process.child.id().to_string())
    }

    /// SIGTERM; it ends by itself.
    pub(crate) fn leave(&mut self, place: Place) -> Done {
        self.waiting.remove(&place);
        let Some(process) = self.running.get_mut(&place) else { return Ok(()) };
        process.is_leaving = true;
        // It may have ended a moment ago; then the supervisor finds it so.
        signal("TERM", &process.child.id().to_string()).or(Ok(()))
    }

    /// From the next start on, the place's disk is full, or has room.
    pub(crate) fn fill(&mut self, place: Place, is_full: bool) {
        if is_full {
            self.full.insert(place, 0);
        } else {
            self.full.remove(&place);
        }
    }

    /// How often the process ended for want of room since its disk was filled.
    pub(crate) fn refused(&self, place: Place) -> usize {
        self.full.get(&place).copied().unwrap_or(0)
    }

    /// Looks who has ended, and starts again what a supervisor would start again.
    pub(crate) fn supervise(&mut self) -> Done {
        let mut ended = Vec::new();
        for (place, process) in &mut self.running {
            if let Some(status) = process.child.try_wait()? {
                ended.push((*place, status));
            }
        }
        for (place, status) in ended {
            self.ended(place, status)?;
        }
        let due: Vec<Place> = self.waiting.iter().filter(|(_, at)| **at <= Instant::now()).map(|(p, _)| *p).collect();
        due.into_iter().try_for_each(|place| self.start(place, false))
    }

    fn ended(&mut self, place: Place, status: ExitStatus) -> Done {
        let Some(process) = self.running.remove(&place) else { return Ok(()) };
        self.gauges.forget(process.child.id());
        let code = status.code();
        let is_documented = code.is_some_and(|code| TRY_AGAIN.contains(&code));
        // Told to end before it had begun to listen for that, it ends as any process does.
        let ended_at_once = status.signal() == Some(SIGTERM);
        if process.is_leaving && (code == Some(0) || is_documented || ended_at_once) {
            return Ok(());
        }
        let is_out_of_room = code == Some(NO_ROOM) && self.full.contains_key(&place);
        if !is_documented && !is_out_of_room {
            return trouble(format!(
                "{} ended with {status}, which is not documented\n{}",
                name(place),
                self.tail(place)
            ));
        }
        if let Some(times) = self.full.get_mut(&place).filter(|_| is_out_of_room) {
            *times += 1;
        }
        *self.ends.entry(format!("{} {}", place.0, code.unwrap_or_default())).or_default() += 1;
        self.waiting.insert(place, Instant::now() + RESTART);
        Ok(())
    }

    /// Documented ends so far, by stage and code.
    pub(crate) fn ends(&self) -> &BTreeMap<String, usize> {
        &self.ends
    }

    /// The end of a process's log.
    fn tail(&self, place: Place) -> String {
        let log = self.dir.join("logs").join(format!("{}.log", name(place)));
        let said = std::fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<_> = said.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Flips a byte in the middle of the newest file of local state, or cuts its end off; `false`
    /// when there is no state yet.
    pub(crate) fn damage(&self, place: Place, flip: Option<u64>) -> Done<bool> {
        let mut files = Vec::new();
        list(&self.state(place), &mut files)?;
        files.retain(|file| file.metadata().is_ok_and(|found| found.len() > 64));
        files.sort_by_key(|file| file.metadata().map_or(0, |found| found.len()));
        let Some(file) = files.pop() else { return Ok(false) };
        let mut bytes = std::fs::read(&file)?;
        match flip {
            Some(at) => {
                let at = usize::try_from(at % bytes.len() as u64).unwrap_or(0);
                bytes[at] ^= 0x55;
            }
            None => bytes.truncate(bytes.len() / 2),
        }
        std::fs::write(&file, bytes)?;
        Ok(true)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for process in self.running.values_mut() {
            process.child.kill().ok();
            process.child.wait().ok();
        }
    }
}

fn name((stage, instance): Place) -> String {
    format!("{stage}-{instance}")
}

/// Every file below a folder.
fn list(dir: &Path, into: &mut Vec<PathBuf>) -> Done {
    if !dir.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, into)? } else { into.push(path) }
    }
    Ok(())
}

/// Copies a folder with all that is in it over another, which is removed first.
pub(crate) fn copy(from: &Path, to: &Path) -> Done {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    let mut files = Vec::new();
    list(from, &mut files)?;
    for file in files {
        let target = to.join(file.strip_prefix(from)?);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::io::copy(&mut File::open(&file)?, &mut File::create(&target)?)?;
    }
    Ok(())
}
