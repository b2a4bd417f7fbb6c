"""One rule for all names: wide enough for hosts, narrow enough for files that are named with several of them."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from plctl.agent.kernel.link_names import LinkNamespaces
from plctl.common.base.names import NAME_MAX, is_file_name, is_name, name_rule
from plctl.controller.results.run_folder import new_run_id


@pytest.mark.parametrize("name", ["a", "7", "edge-1", "node7.job_12", "A" * NAME_MAX])
def test_names_of_hosts_and_jobs_are_names(name: str) -> None:
    """Letters, digits and what stands between them in hosts' names."""
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "-a", ".a", "_a", "a/b", "a b", "a\n", "é", "a" * (NAME_MAX + 1)])
def test_what_could_leave_a_folder_or_look_like_an_option_is_no_name(name: str) -> None:
    """Nor what a file system or a terminal would show as something else."""
    assert not is_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "/a", "a\0"])
def test_what_leads_out_of_a_folder_names_no_file_in_it(name: str) -> None:
    """Whatever else it is called: a folder of results may have been renamed to what no run could be called."""
    assert not is_file_name(name)
    assert is_file_name(f"the copy of {name.replace('/', '').replace(chr(0), '')}")


def test_a_limit_of_ones_own_is_kept_and_told() -> None:
    """Where a name has less room than elsewhere."""
    assert is_name("a" * 5, 5)
    assert not is_name("a" * 6, 5)
    assert name_rule(5).startswith("1 to 5 letters")


def test_the_longest_names_fit_a_namespace_together() -> None:
    """A namespace is a file of /run/netns, whose name may have 255 bytes."""
    longest = "n" * NAME_MAX
    namespaces = LinkNamespaces.named(longest, new_run_id(longest, 0), longest)
    assert max(map(len, astuple(namespaces))) <= 255
