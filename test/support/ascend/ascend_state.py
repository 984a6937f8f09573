"""What the fake tools of the Ascend driver share: the state of a host, from the JSON file that FAKE_ASCEND_STATE names.

Every key may be left out; without a file the host is an Atlas A3 on which all is well.

product       "a3" (two chips on a card) or "a2" (one)
devices       number of devices; a whole host when left out
missing       physical ids of devices that dropped out
format        "22" (no processes), "25" or "26" (wider, with pids of containers)
driver        version of the driver
firmware      version of the firmware
health        health by physical id, such as {"3": "Alarm"}
codes         fault codes by physical id, such as {"3": "80E18402"}, as `info -t health` tells them
usedMb        memory in use by physical id
processes     [{"device": 3, "pid": 4711, "name": "python3.1", "memoryMb": 197, "containerPid": 12}]
linkDown      physical ids whose link is down
linkText      what is said instead of "link status: UP"
tlsText       what is said instead of the line of the TLS switch
light         lines about the light by physical id; without them no device has an optical module
tls           0 or 1 for all, or by physical id
superPod      {"id": 0, "serverIndex": 4, "sdid": 16777216}; left out: the product has none
hang          names of tools that never answer
isRoot        false: what only root may ask is refused
inGroup       false: the user may not open the devices
log           file that gets a line for each call
exclusive     folder that exists while a tool runs: a second one at the same time is refused, as the real ones do
"""

import json
import os
import sys
import time

FULL = {"a3": 16, "a2": 8}


class State:
    def __init__(self):
        path = os.environ.get("FAKE_ASCEND_STATE")
        self.values = {}
        if path:
            with open(path) as file:
                self.values = json.load(file)

    def __getattr__(self, name):
        return self.values.get(name)

    def by_device(self, name, device, default):
        value = self.values.get(name, {})
        return value.get(str(device), default) if isinstance(value, dict) else value

    @property
    def is_a3(self):
        return self.values.get("product", "a3") == "a3"

    def chips(self):
        """(card, chip, physical id) of each device that is there."""
        per_card = 2 if self.is_a3 else 1
        count = self.values.get("devices", FULL["a3" if self.is_a3 else "a2"])
        missing = self.values.get("missing", [])
        return [(id // per_card, id % per_card, id) for id in range(count) if id not in missing]


def run(tool, main):
    """Runs a tool under the misbehaviour that the state asks for; `main` gets the state and the words, answers the status."""
    state = State()
    if state.log:
        with open(state.log, "a") as file:
            file.write(" ".join([tool, *sys.argv[1:]]) + "\n")
    if tool in (state.hang or []):
        time.sleep(3600)
    if not state.exclusive:
        sys.exit(main(state, sys.argv[1:]))
    try:
        os.mkdir(state.exclusive)
    except FileExistsError:
        print(f"{tool} is busy, please try again.")
        sys.exit(1)
    try:
        status = main(state, sys.argv[1:])
    finally:
        os.rmdir(state.exclusive)
    sys.exit(status)
