"""Prints one JSON line: the version of this Python, its packages, and where some modules would be imported from.

Standard library only, and nothing is imported: a broken package must not keep the others from being told.
"""

import hashlib
import importlib.util
import json
import os
import sys
from importlib import metadata
from urllib.parse import unquote, urlparse


def editable_folder(distribution):
    """Folder that a package is installed from in editable form, links resolved, or None."""
    try:
        direct = json.loads(distribution.read_text("direct_url.json") or "{}")
    except (ValueError, OSError):
        return None
    url = urlparse(direct.get("url", ""))
    is_editable = direct.get("dir_info", {}).get("editable") is True
    return os.path.realpath(unquote(url.path)) if is_editable and url.scheme == "file" else None


def module_folder(name):
    """Folder or file that `import name` would read, links resolved, or None."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    places = list(spec.submodule_search_locations or [])
    place = places[0] if places else spec.origin
    return None if place is None else os.path.realpath(place)


def main():
    packages = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if not name:
            continue
        key = name.lower().replace("_", "-")
        # The first one found is the one that is imported.
        packages.setdefault(key, (distribution.version, editable_folder(distribution)))
    listing = "\n".join(f"{name}=={version}" for name, (version, _) in sorted(packages.items()))
    named, modules = sys.argv[1].split(","), sys.argv[2].split(",")
    facts = {
        "version": ".".join(str(part) for part in sys.version_info[:3]),
        "prefix": sys.prefix,
        "hasPip": module_folder("pip") is not None,
        "count": len(packages),
        "digest": hashlib.sha256(listing.encode()).hexdigest(),
        "packages": {
            name: {"version": packages[name][0], "editable": packages[name][1]} for name in named if name in packages
        },
        "modules": {name: module_folder(name) for name in modules},
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
