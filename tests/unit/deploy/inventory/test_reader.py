"""Inventories in all four formats, and what is said of the mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from plctl.common.base.errors import InputError, UserError
from plctl.deploy.inventory.host import Host
from plctl.deploy.inventory.reader import Inventory, load_inventory

HOSTS_YAML = """\
defaults: {user: ada, key: /keys/lab, groups: [lab]}
hosts:
  - node[01-02]
  - name: sat[1-2]
    address: 192.0.2.[11-12]
    port: 2222
    jump: gate
    sudo: no
    groups: [edge, far]
    labels: {rack: r1}
"""

ANSIBLE_INI = """\
plain ansible_host=192.0.2.9   # alone
[edge]
sat[1:2] ansible_port=2222 ansible_ssh_common_args='-o ProxyJump=ada@gate:23'   # two
[edge:vars]
ansible_user = ada
colour = blue
[lab:children]
edge
[lab:vars]
ansible_user = bob
ansible_become = yes
"""

ANSIBLE_YAML = """\
all:
  vars: {ansible_user: bob}
  hosts:
    plain:
  children:
    lab:
      children:
        edge:
          vars: {ansible_user: ada, ansible_python_interpreter: auto_silent}
          hosts:
            sat[1:2]: {ansible_port: 2222, ansible_ssh_private_key_file: /keys/lab}
"""

SSH_CONFIG = """\
Host *
  User ada
Host node1 node2 !node3 *.lab
  Port 2222
Match host node4
  User bob
"""


def load(folder: Path, text: str, name: str = "hosts.yaml") -> Inventory:
    """The inventory `text` in a file called `name`."""
    path = folder / name
    path.write_text(text)
    return load_inventory(path)


def complaint(folder: Path, text: str, name: str = "hosts.yaml") -> str:
    """What is said of `text`, without the folder."""
    with pytest.raises(InputError) as caught:
        load(folder, text, name)
    return str(caught.value).replace(f"{folder}/", "")


def test_hosts_yaml_gives_names_ranges_and_defaults(tmp_path: Path) -> None:
    """A range of addresses goes with a range of names, and a host's own words count more than the defaults."""
    found = load(tmp_path, HOSTS_YAML).hosts
    assert ["node01", "node02", "sat1", "sat2"] == [host.name for host in found]
    assert Host("node01", user="ada", key="/keys/lab", groups=("lab",)) == found[0]
    assert found[3] == Host(
        "sat2",
        address="192.0.2.12",
        port=2222,
        user="ada",
        jump="gate",
        key="/keys/lab",
        sudo=False,
        groups=("edge", "far"),
        labels={"rack": "r1"},
    )


def test_an_ansible_ini_inventory_hands_variables_down(tmp_path: Path) -> None:
    """The nearest group's variables count, a ProxyJump in ssh's arguments is understood, what we do not need is not."""
    found = {host.name: host for host in load(tmp_path, ANSIBLE_INI, "inventory").hosts}
    assert Host("plain", address="192.0.2.9") == found["plain"]
    expected = Host("sat2", port=2222, user="ada", jump="ada@gate:23", sudo=True, groups=("lab", "edge"))
    assert expected == found["sat2"]


def test_an_ansible_yaml_inventory_says_the_same(tmp_path: Path) -> None:
    """Groups within groups; variables of `all` reach everybody."""
    found = {host.name: host for host in load(tmp_path, ANSIBLE_YAML).hosts}
    assert {"plain", "sat1", "sat2"} == set(found)
    assert Host("plain", user="bob") == found["plain"]
    assert Host("sat1", port=2222, user="ada", key="/keys/lab", groups=("lab", "edge")) == found["sat1"]


def test_an_ssh_config_gives_its_aliases(tmp_path: Path) -> None:
    """Patterns are no hosts; how an alias is reached stays in the file."""
    found = load(tmp_path, SSH_CONFIG, "config")
    assert (Host("node1"), Host("node2")) == found.hosts
    assert found.ssh_config


def test_every_mistake_is_told_with_its_place(tmp_path: Path) -> None:
    """One attempt shows them all."""
    text = "hosts:\n  - {name: a, prt: 22}\n  - {name: b, port: 70000}\n  - node[3-1]\n  - {user: x}\n  - a/b\nhots:\n"
    assert complaint(tmp_path, text).splitlines() == [
        "hosts.yaml:2:15: unknown key 'prt'; did you mean port?",
        "hosts.yaml:3:21: port must be a port from 1 to 65535, not '70000'",
        "hosts.yaml:4:5: [3-1] is an empty range; the smaller number comes first",
        "hosts.yaml:5:5: the host has no name",
        "hosts.yaml:6:5: 'a/b' cannot name a peer; write 1 to 63 letters, digits, _ . or -, a letter or digit first",
        "hosts.yaml:7:1: unknown key 'hots'; did you mean hosts?",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hosts: [a, b, a]\n", "hosts.yaml:1:15: the host 'a' is given twice"),
        ("hosts: []\n", "hosts.yaml: names no host"),
        ("hosts:\n  - {name: 'n[1-3]', address: '192.0.2.[1-2]'}\n",
         "hosts.yaml:2:31: 3 names have 2 addresses; write as long a range, e.g. 192.0.2.[1-20]"),
        ("hosts: [a\n", "hosts.yaml:2:1: is not YAML: expected ',' or ']', but got '<stream end>'"),
        ("all: {hosts: [a]}\n", "hosts.yaml:1:14: hosts of the group 'all' must be a mapping of mappings"),
        ("all: {hosts: {a: {ansible_port: ssh}}}\n",
         "hosts.yaml:1:33: port must be a port from 1 to 65535, not 'ssh'"),
    ],
)  # fmt: skip
def test_a_mistake_in_yaml_has_its_sentence(tmp_path: Path, text: str, expected: str) -> None:
    """In both kinds of YAML."""
    assert complaint(tmp_path, text).startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[edge:hosts]\nx\n", "inventory:1:1: '[edge:hosts]' is no section"),
        ("[edge]\nx port\n", "inventory:2:1: 'port' is no variable; write name=value"),
        ("[edge]\n  x ansible_port=0\n", "inventory:2:3: port must be a port from 1 to 65535, not '0'"),
        ("[a]\nx\n[a:children]\nb\n[b:children]\na\n", "inventory:4:1: the groups 'a' and 'b' hold each other"),
        ("[edge]\nx 'y\n", "inventory:2:1: cannot be read: no closing quotation"),
    ],
)
def test_a_mistake_in_ini_has_its_sentence(tmp_path: Path, text: str, expected: str) -> None:
    """By line and column."""
    assert complaint(tmp_path, text, "inventory").startswith(expected)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("node*", ["node01", "node02"]),
        ("sat1,node02", ["node02", "sat1"]),
        ("edge", ["sat1", "sat2"]),
        ("all,!sat2", ["node01", "node02", "sat1"]),
        ("!lab", ["sat1", "sat2"]),
        ("rack=r1", ["sat1", "sat2"]),
    ],
)
def test_a_pattern_selects_by_name_group_and_label(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    """In the order of the file."""
    assert expected == [host.name for host in load(tmp_path, HOSTS_YAML).select(pattern)]


@pytest.mark.parametrize(("pattern", "part"), [("mars*", "matches 'mars"), ("edge,!all", "leaves no host")])
def test_a_pattern_without_hosts_is_refused(tmp_path: Path, pattern: str, part: str) -> None:
    """A typing error must not look like success on no host."""
    with pytest.raises(UserError, match=part):
        load(tmp_path, HOSTS_YAML).select(pattern)
