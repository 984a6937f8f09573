"""How images become tokens, without torch: settings of the tiny model's processor, and the number of tokens."""

import math

IMAGE_SIZE = 32
PATCH_SIZE = 8


def image_processor_settings(image_size: int, patch_size: int) -> dict:
    """Return the content of preprocessor_config.json."""
    pixels_of_two_frames = 2 * image_size**2  # the resizer counts a still image as two frames
    return {
        "image_processor_type": "Glm4vImageProcessor",
        "patch_size": patch_size,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "size": {"shortest_edge": (4 * patch_size) ** 2, "longest_edge": 4 * pixels_of_two_frames},
    }


def image_tokens(width: int, height: int, settings: dict) -> int:
    """Return the tokens of an image as Glm4vImageProcessor makes them with these settings."""
    factor = settings["patch_size"] * settings["merge_size"]
    frames = settings["temporal_patch_size"]
    least, most = settings["size"]["shortest_edge"], settings["size"]["longest_edge"]
    if min(width, height) < factor:
        scale = max(factor / height, factor / width)
        width, height = int(width * scale), int(height * scale)
    rows, columns = round(height / factor), round(width / factor)
    pixels = frames * rows * columns * factor**2
    if pixels > most:
        shrink = math.sqrt(frames * height * width / most)
        rows = max(1, math.floor(height / shrink / factor))
        columns = max(1, math.floor(width / shrink / factor))
    elif pixels < least:
        grow = math.sqrt(least / (frames * height * width))
        rows, columns = math.ceil(height * grow / factor), math.ceil(width * grow / factor)
    return rows * columns
