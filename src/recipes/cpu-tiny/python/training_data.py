"""Rows in the MLLM format, in the order upstream visits them, encoded with the processor of the model."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from PIL import Image
from transformers import AutoProcessor

from cli_errors import BadInput
from training_rows import segments, too_long

IGNORED_LABEL = -100
CACHED_ROWS = 2048


def micro_batch_rows(
    rows: int, micro_batch_size: int, ranks: int, rank: int, consumed_samples: int
) -> list[int]:
    """Return the row numbers of the micro batch that starts after `consumed_samples`.

    Each epoch is a permutation seeded with its number; ranks take turns in it; the tail that does not fill a micro
    batch of all ranks is dropped. So the order depends on nothing but these five numbers and survives a restart.
    """
    per_step = micro_batch_size * ranks
    active = rows // per_step * per_step
    if active == 0:
        raise BadInput(f"--data: {rows} rows are fewer than micro batch size * ranks = {per_step}. Add rows.")
    epoch, offset = divmod(consumed_samples, active)
    order = torch.randperm(active, generator=torch.Generator().manual_seed(epoch))
    return order[offset + rank : offset + per_step : ranks].tolist()


@dataclass(frozen=True)
class EncodedRow:
    """`token_ids` and `labels` of one row (labels hold -100 where no loss is taken) and its pixels, if any."""

    token_ids: list[int]
    labels: list[int]
    pixel_values: torch.Tensor | None
    image_grid_thw: torch.Tensor | None


class RowEncoder:
    """Turns rows into batches; loss is taken on the assistant's words and the end token after them."""

    def __init__(self, rows: list[dict], hf_dir: str, sequence_length: int) -> None:
        self._processor = AutoProcessor.from_pretrained(hf_dir)
        self._sequence_length = sequence_length
        self._pad = self._processor.tokenizer.pad_token_id
        self._image_token = self._processor.tokenizer.image_token
        self._image_token_id = self._processor.tokenizer.image_token_id

        # Rows come back each epoch. The bound keeps a large data set from filling the memory: 24 kB per tiny image.
        self._encode_cached = lru_cache(maxsize=CACHED_ROWS)(lambda number: self.encode(rows[number]))

    def batch(self, numbers: list[int]) -> dict[str, torch.Tensor]:
        """Return the keyword arguments of the model's forward for the rows of these numbers, padded on the right."""
        encoded = [self._encode_cached(number) for number in numbers]
        if all(row.pixel_values is None for row in encoded):
            encoded[0] = self._with_unseen_image(encoded[0])
        length = max(len(row.token_ids) for row in encoded)
        ids = torch.tensor([row.token_ids + [self._pad] * (length - len(row.token_ids)) for row in encoded])
        labels = torch.tensor([row.labels + [IGNORED_LABEL] * (length - len(row.labels)) for row in encoded])
        lengths = torch.tensor([len(row.token_ids) for row in encoded])
        with_images = [row for row in encoded if row.pixel_values is not None]
        return {
            "input_ids": ids,
            "labels": labels,
            "attention_mask": (torch.arange(length)[None, :] < lengths[:, None]).long(),
            "mm_token_type_ids": (ids == self._image_token_id).int(),
            "pixel_values": torch.cat([row.pixel_values for row in with_images]),
            "image_grid_thw": torch.cat([row.image_grid_thw for row in with_images]),
        }

    def encode(self, row: dict) -> EncodedRow:
        """Encode one row; raise `BadInput` when it is longer than the sequence length."""
        images = self._process_images([open_image(path) for path in row["images"]]) if row["images"] else {}
        token_ids: list[int] = []
        labels: list[int] = []
        counts = self._tokens_per_image(images["image_grid_thw"]) if images else []
        for text, is_answer in segments(row["messages"], counts, self._render, self._image_token):
            # Segment by segment: generation, too, encodes the question without the answer.
            ids = self._processor.tokenizer.encode(text, add_special_tokens=False)
            token_ids += ids
            labels += ids if is_answer else [IGNORED_LABEL] * len(ids)
        if len(token_ids) > self._sequence_length:
            raise BadInput(f"--data: a row has {too_long(row, len(token_ids), self._sequence_length)}")
        return EncodedRow(token_ids, labels, images.get("pixel_values"), images.get("image_grid_thw"))

    def _render(self, messages: list[dict], add_generation_prompt: bool) -> str:
        return self._processor.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=add_generation_prompt
        )

    def _process_images(self, images: list[Image.Image]) -> dict[str, torch.Tensor]:
        return dict(self._processor.image_processor(images=images, return_tensors="pt"))

    def _tokens_per_image(self, grids: torch.Tensor) -> list[int]:
        return (grids.prod(dim=1) // self._processor.image_processor.merge_size**2).tolist()

    def _with_unseen_image(self, row: EncodedRow) -> EncodedRow:
        """Append a white image without loss: a rank whose batch has none must still run the vision tower.

        All ranks gather the tower's weights together; one that skipped it would leave the others waiting. The image
        comes after the text, so causal attention hides it from every token that has a label.
        """
        size = 4 * self._processor.image_processor.patch_size
        images = self._process_images([Image.new("RGB", (size, size), "white")])
        count = self._tokens_per_image(images["image_grid_thw"])[0]
        return EncodedRow(
            row.token_ids + [self._image_token_id] * count,
            row.labels + [IGNORED_LABEL] * count,
            images["pixel_values"],
            images["image_grid_thw"],
        )


def open_image(path: str) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")
