"""Who brings another tool's trace is told what it is."""

import pytest

from plctl.common.base.errors import InputError
from plctl.common.scenario.readers.opening import is_trace, parse_scenario

TRACES = {
    "0\n1\n1\n2\n": "mahimahi",
    "12\n9\n10\n": "LeoReplayer",
    '{"RepeatedBwPatternConfig":{"pattern":[{"StaticBwConfig":{"bw":"12Mbps"}}],"count":0}}': "netem-trace",
    "at,delay,stddev,min_link_cap,max_link_cap,queue_capacity,hops,dropratio,route\n0,1,0,1,1,1,1,0,1\n": "Hypatia's",
    "0,100\n100,200\n": "Hypatia",
    "0,1-2-3\n100,Unreachable\n": "Hypatia",
    "0$[-1, 5, -2]$3$[0.001, 0.002]$0.003\n1$NULL\n": "LeoEM",
    "1000,20000000,-1,0,100\n": "TheaterQ",
}


@pytest.mark.parametrize(("text", "name"), TRACES.items())
def test_names_the_format(text: str, name: str) -> None:
    """One sentence says what the file is and how a scenario begins, and nothing else is complained of."""
    with pytest.raises(InputError) as caught:
        parse_scenario(text, "trace")
    sentence = str(caught.value)
    assert sentence.startswith("trace: is ")
    assert name in sentence
    assert sentence.endswith("a scenario begins with the line Time[ms],RouteID,Delay[ms],Btldr[Mbps]")


@pytest.mark.parametrize(
    "text",
    [
        "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,41,80\n",
        "0,0,41.0,80.0\n1,0,41.0,80.0\n",
        "0,0,41,80\n",
        "name: x\nlinks:\n  - {name: a, scenario: a.csv}\n",
        "{name: x, links: [{name: a, scenario: a.csv}]}",
        "",
        "\x00\x01",
    ],
)
def test_takes_nothing_else_for_one(text: str) -> None:
    """Our own files, with and without a header, and run specs are none of these."""
    assert not is_trace(text)
