"""Small pictures of shapes that can be asked about: how they are drawn and what is true of them."""

import random
from dataclasses import dataclass

from PIL import Image, ImageDraw

SIZE = 32  # pixels, both sides
SHAPE_COLOURS = {
    "red": (215, 35, 35),
    "green": (35, 150, 55),
    "blue": (40, 70, 215),
    "yellow": (235, 215, 45),
}
# Apart from the colours of shapes, so that a shape can always be seen.
BACKGROUND_COLOURS = {
    "white": (245, 245, 245),
    "black": (15, 15, 15),
    "grey": (128, 128, 128),
}
FRAME_COLOURS = {
    "orange": (245, 145, 40),
    "cyan": (70, 215, 225),
    "purple": (140, 45, 165),
}
FRAME_WIDTH = 2  # pixels
SHAPES = ("square", "ring", "cross")
RADIUS = 6  # pixels from the centre of a shape to its edge
COUNTS = ("one", "two", "three", "four")
# Centres of the quarters of the picture, in pixels; a quarter holds at most one shape.
QUARTERS = ((8, 8), (24, 8), (8, 24), (24, 24))

# Kind of question -> its text and its possible answers. Each answer shows in the picture only: guessing the most
# frequent one is right for about one question in three.
QUESTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "colour": ("What colour are the shapes?", tuple(SHAPE_COLOURS)),
    "background": ("What colour is the background?", tuple(BACKGROUND_COLOURS)),
    "frame": ("What colour is the frame?", tuple(FRAME_COLOURS)),
    "shape": ("Which shape is drawn?", SHAPES),
    "count": ("How many shapes are there?", COUNTS),
}


@dataclass(frozen=True)
class Scene:
    """A picture and the answer to each kind of question about it."""

    image: Image.Image
    answers: dict[str, str]


def draw_scene(rng: random.Random, kind: str, answer: str) -> Scene:
    """Draw a random scene for which `answer` is right when asked `kind`."""
    truth = {name: rng.choice(answers) for name, (_, answers) in QUESTIONS.items()}
    truth[kind] = answer
    image = Image.new("RGB", (SIZE, SIZE), jitter(rng, BACKGROUND_COLOURS[truth["background"]]))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIZE - 1, SIZE - 1), outline=jitter(rng, FRAME_COLOURS[truth["frame"]]), width=FRAME_WIDTH)
    colour = jitter(rng, SHAPE_COLOURS[truth["colour"]])
    for centre in rng.sample(QUARTERS, COUNTS.index(truth["count"]) + 1):
        draw_shape(draw, truth["shape"], centre, colour)
    return Scene(image, truth)


def jitter(rng: random.Random, colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Vary a colour a little, so that no two pictures need be equal."""
    red, green, blue = (min(255, max(0, channel + rng.randint(-12, 12))) for channel in colour)
    return red, green, blue


def draw_shape(draw: ImageDraw.ImageDraw, shape: str, centre: tuple[int, int], colour: tuple[int, int, int]) -> None:
    x, y = centre
    left, top, right, bottom = x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS
    if shape == "square":
        draw.rectangle((left, top, right, bottom), fill=colour)
    elif shape == "ring":
        draw.ellipse((left, top, right, bottom), outline=colour, width=2)
    else:
        draw.line((left, y, right, y), fill=colour, width=3)
        draw.line((x, top, x, bottom), fill=colour, width=3)
