//! Lines of files as people have them.

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

type Seen = (u64, Result<String, String>);

fn all(bytes: &[u8]) -> Result<Vec<Seen>, Failure> {
    let mut lines = Lines::of("here", Box::new(io::Cursor::new(bytes.to_vec())), None)?;
    let mut seen = Vec::new();
    while let Some((number, line)) = lines.next()? {
        seen.push(match line {
            Line::Record(text) => (number, Ok(text.to_owned())),
            Line::Refused(why) => (number, Err(why)),
        });
    }
    assert_eq!(lines.taken(), bytes.len() as u64, "everything is read");
    Ok(seen)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn ok(number: u64, text: &str) -> Seen {
    (number, Ok(text.to_owned()))
}

#[test]
fn blank_lines_are_skipped_but_keep_their_numbers() {
    let seen = all(b"{\"a\":1}\n\n \t\r\n{\"a\":2}").unwrap();
    assert_eq!(seen, [ok(1, "{\"a\":1}"), ok(4, "{\"a\":2}")]);
}

#[test]
fn the_line_ends_of_windows_are_cut_off() {
    assert_eq!(all(b"one\r\ntwo\r\n").unwrap(), [ok(1, "one"), ok(2, "two")]);
}

#[test]
fn a_file_without_lines_has_none() {
    assert_eq!(all(b"").unwrap(), []);
    assert_eq!(all(b"\n").unwrap(), []);
    assert_eq!(all(b"x").unwrap(), [ok(1, "x")]);
}

#[test]
fn gzip_is_told_by_its_first_bytes_and_may_have_several_members() {
    let mut packed = gzip(b"one\ntwo\n");
    packed.extend(gzip(b"three\n"));
    assert_eq!(all(&packed).unwrap(), [ok(1, "one"), ok(2, "two"), ok(3, "three")]);
}

#[test]
fn a_gzip_file_cut_short_is_bad_data_after_the_line_it_got_to() {
    let packed = gzip(b"one\ntwo\n");
    let failure = all(&packed[..packed.len() - 6]).unwrap_err();
    assert_eq!(failure.code, 65);
    assert!(failure.message.starts_with("here, after line "), "{}", failure.message);
}

#[test]
fn a_line_that_is_not_utf_8_is_refused_with_the_place() {
    let seen = all(b"good\nba\xffd\ngood\n").unwrap();
    assert_eq!(seen, [ok(1, "good"), (2, Err("not UTF-8 at byte 3".to_owned())), ok(3, "good")]);
}

#[test]
fn the_longest_line_passes_and_one_byte_more_is_refused_whatever_ends_it() {
    for end in ["", "\n", "\r\n"] {
        let longest = "x".repeat(LONGEST);
        let seen = all(format!("{longest}{end}").as_bytes()).unwrap();
        assert_eq!(seen, [ok(1, &longest)], "{end:?}");
        let seen = all(format!("{longest}x{end}").as_bytes()).unwrap();
        assert_eq!(seen, [(1, Err("longer than 900000 bytes".to_owned()))], "{end:?}");
    }
}

#[test]
fn what_follows_a_line_far_too_long_is_read_as_before() {
    for letter in ["x", " "] {
        let long = letter.repeat(LONGEST * 3);
        let seen = all(format!("{long}x\nnext\n").as_bytes()).unwrap();
        assert_eq!(seen, [(1, Err("longer than 900000 bytes".to_owned())), ok(2, "next")]);
    }
}

#[test]
fn only_the_first_refusals_are_kept_but_all_are_counted() {
    let mut refusals = Refusals::default();
    (1..=30).for_each(|number| refusals.note(number, "why"));
    assert_eq!((refusals.count, refusals.first.len()), (30, 20));
    assert_eq!(refusals.first[0], "line 1: why");
}
