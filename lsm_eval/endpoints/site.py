"""The servers of one model as the options give them: the address of each, its state, and how requests must be sent to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lsm_eval.endpoints.address import Address, read_address
from lsm_eval.endpoints.asking import Quirks
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.limiter import Limiter
from lsm_eval.endpoints.replica import Replica
from lsm_eval.endpoints.streams.quirks import LONG
from lsm_eval.errors import UserError
from lsm_eval.models.base import EndpointOptions


@dataclass(frozen=True, slots=True)
class Site:
    """One server. Lives for the whole run."""

    address: Address
    replica: Replica
    quirks: Quirks


def read_sites(options: EndpointOptions, key: Key, note: Callable[[str], None]) -> list[Site]:
    """One for each base URL. `note` is called with warnings. Raises `UserError` for an invalid URL, or one that is given
    twice."""
    sites: list[Site] = []
    for given in options.base_urls:
        address = read_address(given)
        if any(one.address.url == address.url for one in sites):
            raise UserError(f"--base-url {address.url} is given twice: leave one of them out.")
        quirks = Quirks(ignore_ends=options.ignore_ends)
        if not address.loopback:  # to this machine no proxy cuts silent connections
            quirks.streaming.long = LONG
        sites.append(Site(address, Replica(address.url, Limiter(options.max_concurrency)), quirks))
    for one in sites:
        if key.secrets and not one.address.encrypted and not one.address.loopback:
            note(f"the key goes to {one.address.url} unencrypted: use https:// if the server has it.")
    return sites
