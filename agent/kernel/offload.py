"""Turn off whatever makes an interface hand over frames that no wire would carry, and prove that it is off.

Segmentation and receive offloads make super-frames that a bottleneck would serve as one; checksum offload lets frames
through a veth without a checksum; VLAN offload takes the tag out of the frame. Feature names and bit numbers are the
running kernel's, read once (ethtool(8) shows the same names).

A link that carries super-frames, whose segments the forwarder tells apart, keeps what makes those of TCP and UDP.
Tunnels and SCTP are cut into frames there, too: a virtio header does not tell of them.
"""

from __future__ import annotations

import ctypes
import fcntl
import re
import socket
import struct
from functools import lru_cache

from plctl.common.base.errors import KernelError

_SIOCETHTOOL = 0x8946
_GSTRINGS, _GSSET_INFO, _GFEATURES, _SFEATURES = 0x1B, 0x37, 0x3A, 0x3B  # linux/ethtool.h: ETHTOOL_…
_SET_OF_FEATURES = 4  # ETH_SS_FEATURES
_STRING_LENGTH = 32  # ETH_GSTRING_LEN
_FALSIFYING = re.compile(
    r"tx-scatter-gather.*|tx-checksum-.*|tx-.*segmentation|tx-.*-segmentation|tx-gso-.*|tx-generic-segmentation"
    r"|rx-gro.*|rx-lro|rx-checksum|rx-udp-gro-forwarding|(tx|rx)-vlan-(stag-)?hw-(insert|parse)"
)
_OF_SUPER_FRAMES = re.compile(
    r"tx-scatter-gather|tx-checksum-(ipv4|ipv6|ip-generic)|tx-tcp6?-segmentation|tx-tcp-ecn-segmentation"
    r"|tx-udp-segmentation|tx-generic-segmentation"
)

Masks = tuple[int, ...]  #: one bit a feature, in 32-bit words


def disable_offloads(any_socket: socket.socket, interface: str, where: str, *, super_frames: bool = False) -> None:
    """Turn off all falsifying features of `interface` and read them back.

    :param super_frames: those that make super-frames stay as they are.
    :param any_socket: of the interface's namespace, whose name `where` is for messages.
    :raises KernelError: the kernel refuses, or leaves a feature on; the message names it.
    """
    names = _feature_names(any_socket, interface)
    attempt = f"turn off the offloads of {interface} in {where}"
    available, active, never_changed = _read_features(any_socket, interface, len(names), attempt)
    off = _mask(names, super_frames=super_frames)
    changeable = [o & a & ~n for o, a, n in zip(off, available, never_changed, strict=True)]
    if any(a & o for a, o in zip(active, off, strict=True)):
        words = [word for o in changeable for word in (o, 0)]  # struct ethtool_set_features_block: valid, requested
        _ioctl(any_socket, interface, struct.pack(f"=II{len(words)}I", _SFEATURES, len(off), *words), attempt)
        _, active, _ = _read_features(any_socket, interface, len(names), attempt)
    if still_on := _select(names, active, off):
        raise KernelError(f"cannot {attempt}: the kernel leaves {', '.join(still_on)} on")


def active_features(any_socket: socket.socket, interface: str) -> set[str]:
    """The names of all features of `interface` that are on.

    :raises KernelError: there is no such interface.
    """
    names = _feature_names(any_socket, interface)
    _, active, _ = _read_features(any_socket, interface, len(names), f"read the features of {interface}")
    return {name for bit, name in enumerate(names) if active[bit // 32] >> bit % 32 & 1}


def active_falsifying_features(any_socket: socket.socket, interface: str, *, super_frames: bool = False) -> set[str]:
    """The names of the falsifying features of `interface` that are on, as `is_falsifying` says.

    :raises KernelError: there is no such interface.
    """
    names = _feature_names(any_socket, interface)
    _, active, _ = _read_features(any_socket, interface, len(names), f"read the features of {interface}")
    return set(_select(names, active, _mask(names, super_frames=super_frames)))


def is_falsifying(feature: str, *, super_frames: bool = False) -> bool:
    """Whether `feature` (by the kernel's name) must be off on a link, perhaps one that carries super-frames."""
    kept = super_frames and _OF_SUPER_FRAMES.fullmatch(feature) is not None
    return not kept and _FALSIFYING.fullmatch(feature) is not None


def _read_features(any_socket: socket.socket, interface: str, count: int, attempt: str) -> tuple[Masks, Masks, Masks]:
    """The masks of changeable, active and never changeable features."""
    blocks = -(-count // 32)
    answer = _ioctl(any_socket, interface, struct.pack("=II", _GFEATURES, blocks) + bytes(16 * blocks), attempt)
    words = struct.unpack_from(f"={4 * blocks}I", answer, 8)  # available, requested, active, never_changed per block
    return words[0::4], words[2::4], words[3::4]


_known_names: list[tuple[str, ...]] = []


def _feature_names(any_socket: socket.socket, interface: str) -> tuple[str, ...]:
    """The kernel's names of all features, by bit; the same for every interface, so read once."""
    if not _known_names:
        attempt = f"read the feature names of {interface}"
        request = struct.pack("=IIQI", _GSSET_INFO, 0, 1 << _SET_OF_FEATURES, 0)
        (count,) = struct.unpack_from("=I", _ioctl(any_socket, interface, request, attempt), 16)
        request = struct.pack("=III", _GSTRINGS, _SET_OF_FEATURES, count) + bytes(count * _STRING_LENGTH)
        text = _ioctl(any_socket, interface, request, attempt)[12:]
        cells = (text[i : i + _STRING_LENGTH] for i in range(0, count * _STRING_LENGTH, _STRING_LENGTH))
        _known_names.append(tuple(cell.partition(b"\0")[0].decode() for cell in cells))
    return _known_names[0]


@lru_cache(maxsize=2)
def _mask(names: tuple[str, ...], *, super_frames: bool) -> Masks:
    words = [0] * -(-len(names) // 32)
    for bit, name in enumerate(names):
        if is_falsifying(name, super_frames=super_frames):
            words[bit // 32] |= 1 << bit % 32
    return tuple(words)


def _select(names: tuple[str, ...], active: Masks, falsifying: Masks) -> list[str]:
    """Those of `names` that falsify and are on."""
    on = [a & f for a, f in zip(active, falsifying, strict=True)]
    return [names[bit] for bit in range(len(names)) if on[bit // 32] >> bit % 32 & 1] if any(on) else []


def _ioctl(any_socket: socket.socket, interface: str, request: bytes, attempt: str) -> bytes:
    """The kernel's answer to the ethtool command `request`, which it writes over it."""
    buffer = ctypes.create_string_buffer(request, len(request))
    ifreq = struct.pack("16sP16x", interface.encode(), ctypes.addressof(buffer))
    try:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, ifreq)
    except OSError as error:
        raise KernelError.from_os(attempt, error) from error
    return buffer.raw
