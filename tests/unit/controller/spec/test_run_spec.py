"""A run spec or a bare scenario becomes a validated request, or every mistake in it is located."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plctl.common.base.errors import InputError, UserError
from plctl.common.plan.disciplines import DISCIPLINES
from plctl.common.plan.run_plan import Budget, Capacity, Queue, Ready, Reconfiguration, Workload
from plctl.controller.spec.bare_run import BareLink
from plctl.controller.spec.run_spec import RunRequest, load_run

#: Of queueing disciplines.
NAMES = tuple(DISCIPLINES)
TABLE = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,41.0,80.0\n11000,1,41.2,80.2\n"
DESIGN = """\
name: handover
seed: 1                       # default: random, recorded
duration: 70s                 # default: until the workloads end, else the last row
links:
  - name: leo                 # leo-0 … leo-3
    count: 4
    scenario: leo.csv         # relative to this file; or {up: a.csv, down: b.csv}
    queue: {discipline: droptail, capacity: 1.0bdp}     # or 64kB, 100p
    reconfiguration: {delay: 0ms, mode: gsl}
    hosts: [edge-*]           # globs over host names; default: any
    workload:
      - {at: server, command: iperf3 -s -1, ready: {tcp: 5201}}
      - {at: client, command: iperf3 -c {server} -t 60 -J, start: 0s}
"""
Load = Callable[..., RunRequest]
Refuse = Callable[[str], list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Reads a spec given as text, beside a scenario leo.csv."""
    (tmp_path / "leo.csv").write_text(TABLE)
    (tmp_path / "one.csv").write_text("\n".join(TABLE.splitlines()[:2]))

    def load_text(text: str, **overrides: object) -> RunRequest:
        path = tmp_path / "study.yaml"
        path.write_text(text)
        return load_run(path, **overrides)  # type: ignore[arg-type]

    return load_text


@pytest.fixture
def refuse(load: Load, tmp_path: Path) -> Refuse:
    """The sentences by which a spec is refused, without their folder."""

    def refuse_text(text: str) -> list[str]:
        with pytest.raises(InputError) as caught:
            load(text)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return refuse_text


def link(**keys: str) -> str:
    """A spec of one link with these keys, each on a line of its own from line 3 on."""
    return "links:\n- name: leo\n" + "".join(f"  {key}: {value}\n" for key, value in keys.items())


def test_reads_a_whole_spec(load: Load) -> None:
    """Every key of a spec reaches the request, four links are numbered, and all sources are kept."""
    request = load(DESIGN)
    plan = request.links[3].plan
    assert ("handover", 1, 70 * 10**9, 4) == (request.name, request.seed, request.duration_ns, len(request.links))
    assert ("leo-3", 3, ("edge-*",)) == (plan.name, plan.index, request.links[3].hosts)
    assert (Queue("droptail", Capacity("bdp", 10**6)), Reconfiguration(0, "gsl")) == (plan.queue, plan.reconfiguration)
    assert plan.workloads == (
        Workload("server", "server", ("sh", "-c", "iperf3 -s -1"), ready=Ready(tcp=5201)),
        Workload("client", "client", ("sh", "-c", "iperf3 -c {server} -t 60 -J"), start_ns=0),
    )
    assert [DESIGN, TABLE] == [source.text for source in request.sources]


def test_reads_the_rarer_keys(load: Load) -> None:
    """Keys that the first example lacks have their meaning too."""
    request = load(
        "budget: {lateness: 2ms, skew: 500us, workload: 7ms}\ntelemetry: {interval: 50ms}\n"
        + link(
            scenario="{up: leo.csv, down: one.csv}", repeat="20s", queue="{capacity: 100p}", overhead="18", mtu="9000",
            start="first-packet", arp="dynamic", hosts="lab1", offload="on", coalesce="20us",
            workload="[{at: client, command: [ping, -c, 1], name: w, start: 1s, timeout: 5s, env: {A: 07}, user: bob}]",
        )
    )  # fmt: skip
    plan = request.links[0].plan
    assert (Budget(2_000_000, 500_000, 7_000_000), 50_000_000) == (request.budget, request.sample_interval_ns)
    assert (20 * 10**9, 0, 1) == (plan.up.period_ns, plan.down.period_ns, len(plan.down.rows))
    assert ("leo", 0, Capacity("packets", 100)) == (plan.name, plan.index, plan.queue.capacity)
    assert (18, 9000, "first-packet", "dynamic") == (plan.overhead_bytes, plan.mtu, plan.start, plan.arp)
    assert ("on", 20_000) == (plan.offload, plan.coalesce_ns)
    expected = Workload("w", "client", ("ping", "-c", "1"), 10**9, None, 5 * 10**9, {"A": "07"}, "bob")
    assert (expected,) == plan.workloads


def test_a_queue_may_differ_between_directions(load: Load) -> None:
    """What stands under `down` replaces the rest there; a capacity that nobody names is the discipline's."""
    request = load(
        link(scenario="leo.csv", queue="{capacity: 64kB, down: {discipline: codel, target: 7ms, ecn: true}}")
    )
    plan = request.links[0].plan
    assert Queue("droptail", Capacity("bytes", 64_000)) == plan.queue_of("up")
    assert Queue("codel", Capacity("packets", 1000), {"ecn": 1, "target": 7_000_000}) == plan.queue_of("down")


def test_names_and_seeds_by_default(load: Load) -> None:
    """Without a name the file's holds; without a seed each reading draws one of 63 bits."""
    first, second = (load(link(scenario="leo.csv")) for _ in range(2))
    assert "study" == first.name
    assert 0 <= first.seed < 2**63
    assert first.seed != second.seed


def test_the_command_line_takes_precedence(load: Load) -> None:
    """Name, seed and duration given by hand hold against the spec's."""
    request = load(DESIGN, name="other", seed=9, duration_ns=5)
    assert ("other", 9, 5) == (request.name, request.seed, request.duration_ns)


def test_packets_are_logged_where_asked_for(load: Load, tmp_path: Path) -> None:
    """By link in the spec, or for all links on the command line, of a spec or a bare scenario; else not."""
    assert [True, False] == [load(link(scenario="leo.csv", packets=p)).links[0].plan.packets for p in ("true", "false")]
    assert load(link(scenario="leo.csv"), packets=True).links[0].plan.packets
    assert load_run(tmp_path / "leo.csv", packets=True).links[0].plan.packets
    assert not load_run(tmp_path / "leo.csv").links[0].plan.packets


def test_a_log_may_keep_the_first_bytes_of_frames(load: Load) -> None:
    """`capture` says how many, in bytes; a log without it keeps none."""
    asked = {"{capture: 128B}": (True, 128), "{}": (True, 0), "true": (True, 0), "no": (False, 0)}
    plans = {text: load(link(scenario="leo.csv", packets=text)).links[0].plan for text in asked}
    assert asked == {text: (plan.packets, plan.capture_bytes) for text, plan in plans.items()}


def test_bytes_of_frames_are_kept_without_a_spec_that_asks(load: Load, tmp_path: Path) -> None:
    """`capture_bytes` logs packets by itself, and takes the place of what a spec says; else that holds."""
    asked = link(scenario="leo.csv", packets="{capture: 128B}")
    found = [
        load_run(tmp_path / "leo.csv", capture_bytes=64), load(asked, capture_bytes=64),
        load(asked, packets=True), load_run(tmp_path / "leo.csv", packets=True),
    ]  # fmt: skip
    assert [(True, 64), (True, 64), (True, 128), (True, 0)] == [
        (each.links[0].plan.packets, each.links[0].plan.capture_bytes) for each in found
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("128B", "must be true, false, or a mapping such as {capture: 128B}"),
        ("{capture: 128}", "capture"),
        ("{capture: 0B}", "greater than or equal to 1"),
        ("{capture: 70kB}", "less than or equal to 65535"),
        ("{log: true}", "log"),
    ],
)
def test_a_capture_that_is_none_is_refused(load: Load, text: str, sentence: str) -> None:
    """With the place, and what would be legal."""
    with pytest.raises(InputError, match=re.escape(sentence)):
        load(link(scenario="leo.csv", packets=text))


def test_a_run_lasts_until_its_workloads_end_or_its_last_row(load: Load) -> None:
    """Without a duration workloads decide (0), without workloads the scenario."""
    assert 0 == load(link(scenario="leo.csv", workload="[{at: client, command: w}]")).duration_ns
    assert 11 * 10**9 == load(link(scenario="leo.csv")).duration_ns


def test_repeat_without_a_period(load: Load) -> None:
    """`repeat: true` gives the last row the length of the one before it."""
    assert 22 * 10**9 == load("duration: 60s\n" + link(scenario="leo.csv", repeat="true")).links[0].plan.up.period_ns


def test_workloads_get_distinct_names(load: Load) -> None:
    """Unnamed workloads are called after their end, and evade given names."""
    commands = "{at: client, command: a}, {at: client, command: b}, {at: server, command: c, name: client-2}"
    workloads = load(link(scenario="leo.csv", workload=f"[{commands}]")).links[0].plan.workloads
    assert ["client", "client-3", "client-2"] == [workload.name for workload in workloads]


def test_capacities(load: Load) -> None:
    """A capacity is a multiple of the BDP in millionths, packets, or bytes."""
    texts = {"0.5bdp": Capacity("bdp", 500_000), "10 p": Capacity("packets", 10), "64kB": Capacity("bytes", 64_000)}
    for text, capacity in texts.items():
        assert capacity == load(link(scenario="leo.csv", queue=f"{{capacity: {text}}}")).links[0].plan.queue.capacity


def test_warnings_of_scenarios_reach_the_request(load: Load, tmp_path: Path) -> None:
    """What a scenario's author should know is not lost on the way through a spec."""
    (tmp_path / "late.csv").write_text(TABLE.replace("\n0,", "\n5,"))
    assert ["first row is at 5 ms"] == [w.text[4:24] for w in load(link(scenario="late.csv")).warnings]


DURATION = "write a number and one of ns, us, µs, ms, s, min, h, e.g. 70s or 1.5ms"
NAME = "is not a name; write 1 to 63 letters, digits, _ . or -, a letter or digit first"


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"hots": "[a]"}, "study.yaml:4:3: unknown key 'hots'; did you mean hosts?"),
        ({"queue": "{capcity: 1p}"}, "study.yaml:4:11: unknown key 'capcity'; did you mean capacity?"),
        ({"workload": "[{at: client, command: w, ready: {http: 1}}]"},
         "study.yaml:4:47: unknown key 'http'; legal are tcp, udp, file"),
        ({"count": "0"}, "study.yaml:4:10: count must be greater than or equal to 1, not '0'"),
        ({"count": "many"}, "study.yaml:4:10: count must be a whole number, not 'many'"),
        ({"mtu": "100"}, "study.yaml:4:8: mtu must be greater than or equal to 1280, not '100'"),
        ({"arp": "no"}, "study.yaml:4:8: arp must be 'static' or 'dynamic', not 'no'"),
        ({"start": ""}, "study.yaml:4:9: start must be 'at-t0', 'first-packet', 'first-transport-packet' or "
         "'first-large-transport-packet', not nothing"),
        ({"queue": "64kB"}, "study.yaml:4:10: queue must be a mapping, not '64kB'"),
        ({"queue": "{capacity: 64}"},
         "study.yaml:4:21: capacity: '64' is not a capacity; write e.g. 1.0bdp, 64kB or 100p"),
        ({"queue": "{capacity: 0bdp}"},
         "study.yaml:4:21: capacity: '0bdp' is out of range; a queue holds something, and at most 1 TiB"),
        ({"queue": "{discipline: sfq}"},
         f"study.yaml:4:23: discipline must be {', '.join(map(repr, NAMES[:-1]))} or {NAMES[-1]!r}, not 'sfq'"),
        ({"queue": "{discipline: codel, target: 5}"}, f"study.yaml:4:38: target: '5' is not a duration; {DURATION}"),
        ({"queue": "{target: 5ms}"}, "study.yaml:4:10: queue: droptail has no target; it has no parameters"),
        ({"queue": "{down: {discipline: drophead, ecn: true}}"},
         "study.yaml:4:17: down: drophead has no ecn; it has no parameters"),
        ({"queue": "{discipline: codel, interval: 0ms}"},
         "study.yaml:4:10: queue: interval is out of range; it must be from 1 ns to 1000 s"),
        ({"queue": "{up: {target: fast}}"}, f"study.yaml:4:24: target: 'fast' is not a duration; {DURATION}"),
        ({"reconfiguration": "{delay: 5}"}, f"study.yaml:4:28: delay: '5' is not a duration; {DURATION}"),
        ({"reconfiguration": "{delay: [5]}"}, "study.yaml:4:28: delay: must be text, e.g. 70s"),
        ({"reconfiguration": "{delay: 100000h}"}, "study.yaml:4:28: delay: '100000h' is longer than ten years"),
        ({"repeat": "yes"}, "study.yaml:4:11: repeat: 'yes' is neither true, false nor a duration such as 60s"),
        ({"repeat": "11s"}, "study.yaml:4:11: repeat: a period of 11 s must exceed the last row's time, 11 s"),
        ({"hosts": "[]"}, "study.yaml:4:10: hosts must not be empty"),
        ({"workload": "[{at: client}]"}, "study.yaml:4:14: the key command is missing"),
        ({"workload": "[{at: client, command: ''}]"}, "study.yaml:4:14: item 1 of workload: the command is empty"),
        ({"workload": "[{at: client, command: []}]"}, "study.yaml:4:36: command must not be empty"),
        ({"workload": "[{at: moon, command: w}]"}, "study.yaml:4:19: at must be 'client' or 'server', not 'moon'"),
        ({"workload": "[{at: client, command: w, ready: {}}]"},
         "study.yaml:4:46: ready: needs exactly one of tcp, udp and file"),
        ({"workload": "[{at: client, command: w, ready: {tcp: 1, udp: 2}}]"},
         "study.yaml:4:46: ready: needs exactly one of tcp, udp and file"),
        ({"workload": "[{at: client, command: w, ready: {tcp: 70000}}]"},
         "study.yaml:4:52: tcp must be less than or equal to 65535, not '70000'"),
        ({"workload": "[{at: client, command: w, ready: {file: ../x}}]"},
         "study.yaml:4:53: file: '../x' must be relative, within the workload's artifact folder"),
        ({"workload": "[{at: client, command: w, start: 0s, ready: {tcp: 1}}]"},
         "study.yaml:4:14: item 1 of workload: ready is for a command without start, "
         "which must be up before the links start"),
        ({"workload": "[{at: client, command: w, env: {A=B: c}}]"},
         "study.yaml:4:44: env: 'A=B' cannot name an environment variable"),
        ({"workload": "[{at: client, command: w, name: a}, {at: client, command: w, name: a}]"},
         "study.yaml:4:80: the workload name 'a' is used twice"),
    ],
)  # fmt: skip
def test_refuses_a_link(refuse: Refuse, keys: dict[str, str], sentence: str) -> None:
    """Every kind of mistake in a link has its own sentence at its own place."""
    assert [sentence] == refuse(link(scenario="leo.csv", **keys))


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", ["study.yaml: is empty; a run spec has at least the key links"]),
        ("just text", ["study.yaml:1:1: the run spec must be a mapping, not 'just text'"]),
        ("name: x\n", ["study.yaml:1:1: the key links is missing"]),
        ("links: []\n", ["study.yaml:1:8: links must not be empty"]),
        ("links: [5]\n", ["study.yaml:1:9: item 1 of links must be a mapping, not '5'"]),
        ("sed: 1\n" + link(scenario="leo.csv"), ["study.yaml:1:1: unknown key 'sed'; did you mean seed?"]),
        ("name: a b\n" + link(scenario="leo.csv"), [f"study.yaml:1:7: name: 'a b' {NAME}"]),
        ("telemetry: {interval: 1ms}\n" + link(scenario="leo.csv"),
         ["study.yaml:1:23: interval: 1 ms is out of range; legal is 10ms to 60s"]),
        ("links:\n- {name: a/b, scenario: leo.csv}\n", [f"study.yaml:2:10: name: 'a/b' {NAME}"]),
        (link(), ["study.yaml:2:3: the key scenario is missing"]),
        (link(scenario="{up: leo.csv}"), ["study.yaml:3:13: the key down is missing"]),
        (link(scenario="[a]"), ["study.yaml:3:14: a cannot be read: No such file or directory"]),
        (link(scenario="no.csv"), ["study.yaml:3:13: no.csv cannot be read: No such file or directory"]),
        (link(scenario="folder"), ["study.yaml:3:13: folder is a directory; a scenario is a file"]),
        (link(scenario="zeros.csv"),
         ["study.yaml:3:13: zeros.csv is not text (byte 1 is NUL); a scenario is UTF-8 text"]),
        (link(scenario="one.csv"),
         ["study.yaml:1:1: needs a duration, as its scenarios have one row and there is no workload"]),
        (link(scenario="leo.csv", repeat="true"),
         ["study.yaml:1:1: needs a duration, as a scenario repeats for ever and there is no workload"]),
        ("links:\n- {name: a, scenario: leo.csv, count: 2}\n- {name: a-1, scenario: leo.csv}\n",
         ["study.yaml:3:10: the link name 'a-1' is used twice"]),
        ("links:\n- {name: " + "a" * 63 + ", scenario: leo.csv, count: 2}\n",
         [f"study.yaml:2:10: name: '{'a' * 63}-1' {NAME}"]),
        ("duration: 5s\n" + link(scenario="leo.csv", workload="[{at: client, command: w, start: 5s}]"),
         ["study.yaml:5:46: start: 5 s is not before the run's end at 5 s"]),
    ],
)  # fmt: skip
def test_refuses_a_spec(refuse: Refuse, tmp_path: Path, text: str, sentences: list[str]) -> None:
    """Every kind of mistake beyond one link's keys has its own sentence too."""
    (tmp_path / "folder").mkdir()
    with (tmp_path / "zeros.csv").open("wb") as file:
        file.truncate(10**9)
    assert sentences == refuse(text)


def test_reports_everything_at_once(refuse: Refuse, tmp_path: Path) -> None:
    """Mistakes of the spec, of several links and of the scenarios they name come in one go."""
    (tmp_path / "bad.csv").write_text(TABLE + "5,0,x,1\n")
    found = refuse(
        "sed: 1\nlinks:\n"
        "- {name: a, scenario: bad.csv, mtu: 1}\n"
        "- {name: b, scenario: no.csv, count: 0}\n"
        "- {name: a, scenario: leo.csv}\n- {name: a, scenario: bad.csv}\n"
    )
    places = ["bad.csv:4:1", "bad.csv:4:5", "study.yaml:1:1", "study.yaml:3:37", "study.yaml:4:23", "study.yaml:4:38",
              "study.yaml:6:10"]  # fmt: skip
    assert places == [sentence.partition(": ")[0] for sentence in found]


def test_refuses_a_spec_that_is_too_long(refuse: Refuse) -> None:
    """No megabytes are fed to the YAML reader."""
    sentence = "study.yaml: is too long for a run spec: at most 16777216 characters are read"
    assert [sentence] == refuse("#" * 2**24 + "\n")


def test_ten_thousand_links_may_be_listed_one_by_one(load: Load) -> None:
    """A script that writes every link by itself needs neither `count` nor aliases."""
    link = (
        "  - name: n{}\n    scenario: leo.csv\n    workload:\n"
        "      - {{at: server, command: iperf3 -s -1, ready: {{tcp: 5201}}}}\n"
        '      - {{at: client, command: "iperf3 -c {{server}} -J --logfile a-rather-long-name", start: 0s}}\n'
    )
    text = "duration: 5s\nlinks:\n" + "".join(link.format(index) for index in range(10_000))
    assert len(text) > 2**20
    assert [f"n{index}" for index in range(10_000)] == [each.plan.name for each in load(text).links]


def test_a_bare_scenario_is_a_run(tmp_path: Path) -> None:
    """A CSV becomes one link named after the file, without workloads, until its last row."""
    path = tmp_path / "leo drive.csv"
    path.write_text(TABLE)
    request = load_run(path)
    assert ("leo-drive", "leo-drive", 11 * 10**9) == (request.name, request.links[0].plan.name, request.duration_ns)
    assert (("*",), ()) == (request.links[0].hosts, request.links[0].plan.workloads)
    assert [TABLE] == [source.text for source in request.sources]


def test_a_command_runs_in_the_client_from_t0(tmp_path: Path) -> None:
    """What follows `--` is one workload, which ends the run unless a duration is given."""
    path = tmp_path / "leo.csv"
    path.write_text(TABLE)
    request = load_run(path, command=["ping", "{server}"])
    assert (Workload("client", "client", ("ping", "{server}"), start_ns=0),) == request.links[0].plan.workloads
    assert [0, 7] == [request.duration_ns, load_run(path, command=["w"], duration_ns=7).duration_ns]


def test_a_single_row_needs_an_end(tmp_path: Path) -> None:
    """A scenario that never changes does not say how long to run."""
    path = tmp_path / "one.csv"
    path.write_text("\n".join(TABLE.splitlines()[:2]))
    with pytest.raises(InputError, match="give --duration, or a command after --"):
        load_run(path)
    assert 5 == load_run(path, duration_ns=5).duration_ns


def test_a_bare_scenario_is_told_what_a_spec_would_say(tmp_path: Path) -> None:
    """Its queue, overhead, repetition, budget and socket statistics: the same as by a spec."""
    (tmp_path / "leo.csv").write_text(TABLE)
    (tmp_path / "leo.yaml").write_text(
        "duration: 20s\nbudget: {lateness: 2ms}\nsocket_stats: 100ms\n"
        "links:\n  - {name: leo, scenario: leo.csv, repeat: true, overhead: 24,\n"
        "     queue: {discipline: drophead, capacity: 64kB}}\n"
    )
    queue = Queue("drophead", Capacity("bytes", 64_000))
    bare = BareLink(queue, Budget(lateness_ns=2_000_000), repeat=True, overhead_bytes=24, socket_stats_ns=10**8)
    told = load_run(tmp_path / "leo.csv", duration_ns=20 * 10**9, seed=1, bare=bare)
    spec = load_run(tmp_path / "leo.yaml", seed=1)
    link = replace(told.links[0], hosts_place=spec.links[0].hosts_place)
    assert spec == replace(told, sources=spec.sources, links=(link,))
    with pytest.raises(InputError, match="repeats for ever"):
        load_run(tmp_path / "leo.csv", bare=bare)
    with pytest.raises(UserError, match="these options are for a bare scenario"):
        load_run(tmp_path / "leo.yaml", bare=bare)


def test_a_command_does_not_go_with_a_spec(load: Load) -> None:
    """A spec names its own workloads; an ignored command would mislead."""
    with pytest.raises(UserError, match="a command needs a bare scenario"):
        load(DESIGN, command=["true"])


def test_a_study_is_told_from_a_run_spec(tmp_path: Path) -> None:
    """With the command that runs it, rather than with what it lacks as a run spec."""
    (tmp_path / "s.yaml").write_text("# many\nstudy: cc\nbase: b.yaml\n")
    with pytest.raises(UserError, match=r"s\.yaml is a study, not a run spec; try: plctl study run .*s\.yaml"):
        load_run(tmp_path / "s.yaml")


@pytest.mark.parametrize(("name", "text"), [("a", TABLE), ("b", "# drive\n\n" + TABLE), ("c.CSV", TABLE)])
def test_a_scenario_is_known_by_suffix_or_header(tmp_path: Path, name: str, text: str) -> None:
    """A file without a telling suffix is told by its first line."""
    (tmp_path / name).write_text(text)
    assert 1 == len(load_run(tmp_path / name).links)


def test_a_spec_without_suffix_is_one(load: Load, tmp_path: Path) -> None:
    """What does not begin with a scenario's header is read as a spec."""
    load(DESIGN)
    (tmp_path / "study").write_text(DESIGN)
    assert 4 == len(load_run(tmp_path / "study").links)


def test_a_directory_is_no_run(tmp_path: Path) -> None:
    """A directory in place of a spec gets its own sentence."""
    with pytest.raises(InputError, match="is a directory; a run spec or scenario is a file"):
        load_run(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.text("abcdlinks:{}[]-&*,\n 0s").map(str.encode))
def test_arbitrary_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    """No content of a spec raises anything but `InputError`."""
    path = tmp_path / "fuzz.yaml"
    path.write_bytes(data)
    with pytest.raises(InputError):
        load_run(path)


def test_a_trace_is_served_as_the_spec_says(load: Load, refuse: Refuse, tmp_path: Path) -> None:
    """By its opportunities, worth what the spec says, or by their rate; it repeats when its last instant comes."""
    (tmp_path / "lte.trace").write_text("2\n5\n10\n")
    link = "links: [{name: a, scenario: lte.trace, reader: {format: mahimahi, delay: 20ms}%s}]\nduration: 1s\n"
    exact = load(link % "").links[0].plan.up
    assert exact.opportunities is not None
    assert (10_000_000, 1500) == (exact.opportunities.period_ns, exact.opportunities.worth_bytes)
    assert exact == load(link % ", repeat: true, service: opportunities, bytes: 1500").links[0].plan.up
    worth = load(link % ", bytes: 1400").links[0].plan.up.opportunities
    assert worth is not None
    assert 1400 == worth.worth_bytes
    assert exact.served_by(None) == load(link % ", service: rate").links[0].plan.up
    refusal = "repeat: 25 ms is not when the delivery opportunities begin again, 10 ms; write repeat: true"
    assert [f"study.yaml:1:89: {refusal}"] == refuse(link % ", repeat: 25ms")
    rates = "links: [{name: a, scenario: leo.csv, service: opportunities}]\nduration: 1s\n"
    assert ["study.yaml:1:29: leo.csv has no delivery opportunities; it is served by its rates"] == refuse(rates)
    assert any("service" in line for line in refuse(link % ", service: both"))
    assert any("bytes" in line for line in refuse(link % ", bytes: 0"))


def test_several_bottlenecks_need_droptail(tmp_path: Path) -> None:
    """A discipline that does not know them is refused, with its direction."""
    (tmp_path / "two.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps],QueueID\n0,0,1,1,0\n5,0,1,1,2\n")
    text = "duration: 1s\nlinks:\n  - name: a\n    scenario: two.csv\n    queue: {discipline: codel}\n"
    spec = tmp_path / "run.yaml"
    spec.write_text(text)
    sentence = "queue: the scenario has several QueueIDs, which only droptail knows, and not codel"
    with pytest.raises(InputError, match=rf"run.yaml:5:12: {sentence}"):
        load_run(spec)
    spec.write_text(text.replace("codel", "droptail"))
    assert [0, 2] == list(load_run(spec).links[0].plan.down.column("queue_id"))


def test_the_account_of_a_run_is_that_of_programs_that_name_none(load: Load) -> None:
    """A workload's own counts."""
    request = load(
        "{user: ada, links: [{name: x, scenario: leo.csv, workload:"
        " [{at: client, command: a, start: 0s}, {at: client, command: b, start: 0s, user: root}]}]}"
    )
    assert ["ada", "root"] == [workload.user for workload in request.links[0].plan.workloads]
