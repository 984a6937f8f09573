"""The conversion as a plain Python script does it: load all, one stat per row, dump all."""

import json
import os
import sys

ROLES = {"human": "user", "gpt": "assistant"}


def main(annotations: str, images: str, output: str, prefix: str) -> None:
    with open(annotations, encoding="utf-8") as file:
        items = json.load(file)
    rows = []
    for item in items:
        row: dict = {"images": [], "messages": []}
        if item.get("image"):
            if not os.path.exists(os.path.join(images, item["image"])):
                continue
            row["images"].append(prefix + item["image"])
        for turn in item["conversations"]:
            row["messages"].append({"role": ROLES[turn["from"]], "content": turn["value"]})
        rows.append(row)
    with open(output, "w", encoding="utf-8") as file:
        file.write(json.dumps(rows, ensure_ascii=False))


main(*sys.argv[1:])
