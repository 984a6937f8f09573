"""The fake of hccn_tool for hosts on which something is switched; bin/hccn_tool starts it."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from ascend_state import run  # noqa: E402


def main(state, words):
    if state.isRoot is False:
        print("permission denied: pls check this cmd run permission.")
        return 1
    device = int(words[1]) if words[:1] == ["-i"] else -1
    if device not in [id for _, _, id in state.chips()]:
        print(f"hccn_tool: device {device} is not there")
        return 1
    if words[2:] == ["-link", "-g"] and state.linkText:
        print(state.linkText)
    elif words[2:] == ["-tls", "-g"] and state.tlsText:
        print(state.tlsText)
    elif words[2:] == ["-optical", "-g"]:
        light = (state.light or {}).get(str(device))
        print("optical info:")
        print(f"present              : {'present' if light else 'not present'}")
        print(light or "Tx Power             : NA\nRx Power             : NA\nRxPower Low Thres    : NA")
    elif words[2:] == ["-link", "-g"]:
        print(f"link status: {'DOWN' if device in (state.linkDown or []) else 'UP'}")
    elif words[2:] == ["-tls", "-g"]:
        on = state.by_device("tls", device, 0)
        print(
            f"dev_id:{device}, tls switch[{on}](0:disable, 1:enable), "
            "tls preconfigured[1](0:non-preset, 1:preset), tls alarm time threshold[60]days"
        )
    else:
        print(f"unknown command: {' '.join(words)}")
        return 1
    return 0


run("hccn_tool", main)
