//! One mistake each: what is replaced in the small policy, by what, and the one complaint.

pub(super) const MISTAKES: &[(&str, &str, &str)] = &[
    // keys
    ("cap: 30", "cpa: 30", "20:7: engagement.rules[0].cpa: unknown key; did you mean \"cap\"?"),
    (
        "half_life: 14d",
        "half_live: 14d",
        "19:7: engagement.rules[0].half_live: unknown key; did you mean \"half_life\"?",
    ),
    ("max_skew: 0s", "max_skew: 0s\n  zebra: 1", "6:3: identity.zebra: unknown key"),
    ("  grace: 10m", "  garce: 10m", "80:3: sla.garce: unknown key; did you mean \"grace\"?"),
    ("  grace: 10m", "", "67:3: sla.grace: missing"),
    ("      half_life: 14d\n", "", "14:7: engagement.rules[0].half_life: missing; write a duration, or `never`"),
    ("    - id: size\n      fact", "    - fact", "31:7: fit.rules[0].id: missing"),
    ("cap: 30", "cap: 30\n      points: 3", "21:7: engagement.rules[0].points: given twice, first on line 18"),
    ("web: 40", "web: 40\n    web: 41", "12:5: engagement.groups.web: given twice, first on line 11"),
    // types
    (
        "points: 2.125",
        "points: many",
        "18:15: engagement.rules[0].points: expected points, as in 12 or 7.5, found \"many\"",
    ),
    ("points: 2.125", "points: \"2\"", "18:15: engagement.rules[0].points: expected points, found the text \"2\""),
    ("points: 2.125", "points:", "18:13: engagement.rules[0].points: expected points, found nothing"),
    ("points: 2.125", "points: [2]", "18:15: engagement.rules[0].points: expected points, found a list"),
    ("is_true: true", "is_true: yes", "37:16: fit.rules[1].is_true: expected true or false, found \"yes\""),
    ("warn: [50, 80]", "warn: 50", "79:9: sla.warn: expected a list, found \"50\""),
    ("bands: { 1: 60, 2: 35, 3: 15 }", "bands: [60, 35, 15]", "9:10: engagement.bands: expected a map, found a list"),
    ("[\"null\", Anonymous]", "[null]", "6:21: identity.placeholder_ids[0]: expected text, found nothing"),
    ("policy: small", "policy: \" \"", "1:9: policy: must not be empty"),
    (
        "policy: small",
        "policy: a b",
        "1:9: policy: \"a b\" is not a name; use up to 64 letters, digits, `_`, `-`, `.` and `@`",
    ),
    ("version: 3", "version: 0", "2:10: version: must be 1 or more"),
    ("version: 3", "version: 1.5", "2:10: version: must be a whole number, found 1.5"),
    // numbers
    ("points: 2.125", "points: .nan", "18:15: engagement.rules[0].points: must be finite, found .nan"),
    ("points: 2.125", "points: -.inf", "18:15: engagement.rules[0].points: must be finite, found -.inf"),
    (
        "points: 2.125",
        "points: 1e400",
        "18:15: engagement.rules[0].points: expected points, as in 12 or 7.5, found \"1e400\"",
    ),
    ("points: 2.125", "points: 2.1255", "18:15: engagement.rules[0].points: at most three decimals"),
    (
        "points: 2.125",
        "points: 99999999999999999999",
        "18:15: engagement.rules[0].points: must be from -1000000 to 1000000",
    ),
    ("points: 2.125", "points: 1000000.001", "18:15: engagement.rules[0].points: must be from -1000000 to 1000000"),
    ("cap: 30", "cap: -1", "20:12: engagement.rules[0].cap: must be above 0, found -1"),
    ("web: 40", "web: 0", "11:10: engagement.groups.web: must be above 0, found 0"),
    ("per_day: 5", "per_day: 0", "21:16: engagement.rules[0].per_day: must be from 1 to 1000"),
    ("rearm_percent: 75", "rearm_percent: 0", "47:18: decision.rearm_percent: must be from 1 to 99"),
    ("warn: [50, 80]", "warn: [50, 100]", "79:14: sla.warn[1]: must be from 1 to 99"),
    ("bo: 2, ada: 1", "bo: 0, ada: 1", "58:29: routing.pools.night.members.bo: must be from 1 to 1000"),
    // durations
    ("half_life: 14d", "half_life: 0d", "19:18: engagement.rules[0].half_life: must be longer than 0"),
    ("half_life: 14d", "half_life: -14d", "19:18: engagement.rules[0].half_life: must not be negative"),
    (
        "half_life: 14d",
        "half_life: 14",
        "19:18: engagement.rules[0].half_life: expected a duration, found \"14\"; write it as in 90s, 5m, 1h, 14d or 2w",
    ),
    ("half_life: 14d", "half_life: 4000d", "19:18: engagement.rules[0].half_life: longer than ten years"),
    ("half_life: 14d", "half_life: 9999999999999999w", "19:18: engagement.rules[0].half_life: longer than ten years"),
    ("dedupe: 14d", "dedupe: 0s", "4:11: identity.dedupe: must be longer than 0"),
    (
        "15m business",
        "15m busines",
        "77:17: sla.accept.P0: expected `business` or nothing after the duration, found \"busines\"; write it as in 8h or 8h business",
    ),
    // thresholds
    ("2: 35", "2: 70", "9:22: engagement.bands.2: must be below 60, the least for 1; found 70"),
    ("3: 15 }", "3: 35 }", "9:29: engagement.bands.3: must be below 35, the least for 2; found 35"),
    ("C: 20", "C: 45", "28:30: fit.grades.C: must be below 45, the least for B; found 45"),
    ("1: 60", "1: 101", "9:15: engagement.bands.1: 101 cannot be reached: total_cap is 100"),
    (
        "known_at_least: 1",
        "known_at_least: 3",
        "29:19: fit.known_at_least: nobody would be graded: the rules ask for 2 facts",
    ),
    ("[1000, 9999]", "[10, 9]", "54:42: routing.rules[0].when[0].between: upside down: 10 is more than 9"),
    ("[1000, 9999]", "[]", "54:42: routing.rules[0].when[0].between: expected two numbers: [least, most]"),
    // rules
    ("- id: leave", "- id: page", "23:11: engagement.rules[1].id: \"page\" is given twice, first on line 14"),
    ("- id: geo", "- id: size", "40:11: fit.disqualify[0].id: \"size\" is given twice, first on line 31"),
    ("- id: leave", "- id: web", "23:11: engagement.rules[1].id: \"web\" is the name of a group: choose another"),
    (
        "- id: big",
        "- id: fallback",
        "52:11: routing.rules[0].id: `fallback` is what no rule matches: choose another id",
    ),
    ("{ event: Email Unsubscribed }", "{ path: /a }", "24:13: engagement.rules[1].when.event: missing"),
    ("event: Email Unsubscribed", "event: []", "24:22: engagement.rules[1].when.event: must not be empty"),
    (
        "event: Email Unsubscribed",
        "event: Email*",
        "24:22: engagement.rules[1].when.event: `*` has no meaning here: name each in full",
    ),
    ("path: /a*", "path: a*", "16:54: engagement.rules[0].when.path: a path starts with `/`"),
    ("path: /a*", "path: /a*b", "16:54: engagement.rules[0].when.path: `*` may stand at the end only"),
    ("path: /a*", "path: /a?b", "16:54: engagement.rules[0].when.path: a path has no query and no fragment"),
    (
        "path: /a*",
        "path: /(a+)+$",
        "16:54: engagement.rules[0].when.path: a path is no regular expression: write it out, or its start and a `*`",
    ),
    ("points: -15", "points: -15\n      cap: 3", "26:12: engagement.rules[1].cap: a rule that takes points has no cap"),
    (
        "per_day: 5",
        "per_day: 5\n      count: once",
        "21:16: engagement.rules[0].per_day: another way to count is given too: keep one of them",
    ),
    (
        "per_day: 5",
        "count: oncee",
        "21:14: engagement.rules[0].count: unknown way to count \"oncee\"; did you mean \"once\"?",
    ),
    (
        "at_least: 50\n",
        "at_least: 50\n      at_most: 90\n",
        "34:16: fit.rules[0].at_most: one test only: write a second rule for another",
    ),
    (
        "      at_least: 50\n",
        "",
        "31:7: fit.rules[0]: says no test; give one of any_of, none_of, all_of, contains, between, at_least, at_most, is_true, known",
    ),
    // references
    (
        "group: email",
        "group: emial",
        "26:14: engagement.rules[1].group: unknown group \"emial\"; did you mean \"email\"?",
    ),
    ("pool: day", "pool: dya", "55:13: routing.rules[0].pool: unknown pool \"dya\"; did you mean \"day\"?"),
    (
        "overflow: night",
        "overflow: nigth",
        "57:43: routing.pools.day.overflow: unknown pool \"nigth\"; did you mean \"night\"?",
    ),
    (
        "bo: 2, ada: 1",
        "bo: 2, adda: 1",
        "58:32: routing.pools.night.members.adda: unknown rep \"adda\"; did you mean \"ada\"?",
    ),
    (
        "calendar: night, day_max",
        "calendar: nite, day_max",
        "64:31: routing.reps.bo.calendar: unknown calendar \"nite\"",
    ),
    (
        "lanes: [P0, P1]",
        "lanes: [P0, P9]",
        "53:19: routing.rules[0].lanes[1]: unknown lane \"P9\"; did you mean \"P0\"?",
    ),
    ("A1: P1", "A1: urgent", "44:17: decision.matrix.A1: unknown lane \"urgent\""),
    ("{ P0: 5m }", "{ P7: 5m }", "78:18: sla.first_touch.P7: unknown lane \"P7\"; did you mean \"P0\"?"),
    (
        "B2: P2",
        "B5: P2",
        "44:21: decision.matrix.B5: \"B5\" is not a cell; a cell is a grade and a band: A1 to D4, U1 to U4",
    ),
    ("{ A: P0, U: P0 }", "{ A: P0, X: P0 }", "45:24: decision.hand_raise.X: unknown grade \"X\""),
    // pools and reps
    (
        "{ members: { ada: 1 }, overflow",
        "{ members: {}, overflow",
        "57:21: routing.pools.day.members: needs at least one rep: nobody would take its leads",
    ),
    ("status: gone", "status: active", "65:5: routing.reps.cy: in no pool: would never get a lead"),
    (
        "night: { members: { bo: 2, ada: 1 } }",
        "night: { members: { bo: 2, ada: 1 }, overflow: day }",
        "57:43: routing.pools.day.overflow: leads in a circle: day -> night -> day",
    ),
    ("overflow: night", "overflow: day", "57:43: routing.pools.day.overflow: leads in a circle: day -> day"),
    (
        "back: 2026-04-01",
        "back: 2026-03-20",
        "63:40: routing.reps.ada.away[0].back: the first day back must be after 2026-03-20",
    ),
    (
        "from: 2026-03-20",
        "from: 20.3.2026",
        "63:22: routing.reps.ada.away[0].from: expected a date as in 2026-12-24, found \"20.3.2026\"",
    ),
    // calendars
    (
        "Europe/Berlin",
        "Europe/Brelin",
        "69:13: sla.calendars.day.zone: unknown time zone \"Europe/Brelin\"; did you mean \"Europe/Berlin\"?",
    ),
    ("13:00-18:00", "11:30-18:00", "70:39: sla.calendars.day.hours.mon-fri[1]: overlaps with 09:00-12:00"),
    (
        "mon-fri: 22:00-06:00",
        "mon: 22:00-06:00\n        tue: 05:00-09:00",
        "77:14: sla.calendars.night.hours.tue: overlaps with 00:00-06:00",
    ),
    (
        "13:00-18:00",
        "13:00-13:00",
        "70:39: sla.calendars.day.hours.mon-fri[1]: ends where it starts; the whole day is 00:00-24:00",
    ),
    (
        "13:00-18:00",
        "13:00-24:30",
        "70:39: sla.calendars.day.hours.mon-fri[1]: expected hours, found \"13:00-24:30\"; write them as in 09:00-17:30",
    ),
    (
        "mon-fri: 22:00-06:00",
        "mo-fr: 22:00-06:00",
        "76:9: sla.calendars.night.hours.mo-fr: \"mo-fr\" is not a day; write it as in mon, or mon-fri",
    ),
    (
        "mon-fri: 22:00-06:00",
        "mon-fri: 22:00-06:00\n        wed: 08:00-09:00",
        "77:9: sla.calendars.night.hours.wed: \"wed\" is given twice, first on line 76",
    ),
    (
        "mon-fri: 22:00-06:00",
        "mon-fri: []",
        "76:9: sla.calendars.night.hours: no hours on any day: its clocks would never run",
    ),
    (
        "2026-12-25: []",
        "2026-12-25: [22:00-06:00, 23:00-24:00]",
        "72:35: sla.calendars.day.exceptions.2026-12-25[1]: overlaps with 22:00-24:00",
    ),
    (
        "2026-12-25: []",
        "2026-12-32: []",
        "72:9: sla.calendars.day.exceptions.2026-12-32: expected a date as in 2026-12-24, found \"2026-12-32\"",
    ),
    // thresholds out of reach
    ("grades: { A: 70", "grades: { A: 71", "28:16: fit.grades.A: 71 cannot be reached: the rules give at most 70"),
    (
        "  groups:\n",
        "  warm_needs: { channels: 3 }\n  groups:\n",
        "10:27: engagement.warm_needs.channels: 3 cannot be reached: there are 2 groups",
    ),
    // sequences and windows
    (
        "when: { event: Email Unsubscribed }",
        "when: { sequence: [{ event: A }], within: 2d }",
        "24:25: engagement.rules[1].when.sequence: needs 2 to 8 steps, found 1",
    ),
    (
        "when: { event: Email Unsubscribed }",
        "when: { sequence: [{ event: A }, { event: B }] }",
        "24:13: engagement.rules[1].when.within: missing",
    ),
    (
        "when: { event: Email Unsubscribed }",
        "when: { event: C, sequence: [{ event: A }, { event: B }], within: 2d }",
        "24:22: engagement.rules[1].when.event: write it into a step of the sequence",
    ),
    (
        "when: { event: Email Unsubscribed }",
        "when: { event: C, within: 2d }",
        "24:33: engagement.rules[1].when.within: belongs to a sequence; write at_least: { times: 3, within: 30d } for a count",
    ),
    (
        "when: { event: Email Unsubscribed }",
        "when: { event: C, campaign: a*b }",
        "24:35: engagement.rules[1].when.campaign: `*` may stand at the end only",
    ),
    (
        "{ times: 3, within: 2w }",
        "{ times: 3, days: 2, within: 2w }",
        "17:39: engagement.rules[0].when.at_least.days: another count is given too: keep one of them",
    ),
    (
        "{ times: 3, within: 2w }",
        "{ within: 2w }",
        "17:21: engagement.rules[0].when.at_least.times: missing; or `days`, or `contents`",
    ),
    // criteria
    ("decision:\n", "criteria: { bant: [] }\ndecision:\n", "43:19: criteria.bant: needs at least one question"),
    (
        "decision:\n",
        "criteria: { bant: [{ id: b, yes: { rule: pgae } }] }\ndecision:\n",
        "43:42: criteria.bant[0].yes.rule: unknown engagement rule \"pgae\"; did you mean \"page\"?",
    ),
    (
        "decision:\n",
        "criteria: { bant: [{ id: b, yes: { fact: budget, is_true: true, within: 2d } }] }\ndecision:\n",
        "43:73: criteria.bant[0].yes.within: goes with `rule` only; `fit.fresh_for` says how long a fact counts",
    ),
    (
        "decision:\n",
        "criteria: { bant: [{ id: b, yes: [] }] }\ndecision:\n",
        "43:34: criteria.bant[0].yes: must not be empty",
    ),
    ("warn: [50, 80]", "warn: [50, 50]", "79:14: sla.warn[1]: must be above 50, the warning before it"),
];
