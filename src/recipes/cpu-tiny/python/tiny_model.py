"""Shape and seeded initial weights of the tiny GLM-4.5V."""

from dataclasses import dataclass

import torch
from transformers.models.glm4v_moe.configuration_glm4v_moe import Glm4vMoeConfig
from transformers.models.glm4v_moe.modeling_glm4v_moe import Glm4vMoeForConditionalGeneration

from tiny_images import IMAGE_SIZE, PATCH_SIZE

# A model this small hardly learns from the usual 0.02: the signal fades through the layers.
DEFAULT_INIT_STD = 0.08
# Small against router scores near 0.5, so that routing stays learned, but not zero: a lost or rounded bias shows.
ROUTER_BIAS_STD = 0.01


@dataclass(frozen=True)
class TinyShape:
    """Sizes of the model; the defaults make about 0.56 million parameters. Images are `image_size` pixels square."""

    num_hidden_layers: int = 3
    hidden_size: int = 96
    num_experts: int = 4
    moe_intermediate_size: int = 64
    vision_depth: int = 1
    vision_hidden_size: int = 64
    image_size: int = IMAGE_SIZE
    patch_size: int = PATCH_SIZE


def build_config(shape: TinyShape, vocabulary_size: int, token_ids: dict[str, int]) -> Glm4vMoeConfig:
    """Return the configuration; `token_ids` maps the names of `tiny_tokenizer.SPECIAL_TOKENS` to ids."""
    heads = 4
    rotary_frequencies = shape.hidden_size // heads // 4  # half of a head rotates, and a frequency takes two values
    temporal = rotary_frequencies // 4
    spatial = (rotary_frequencies - temporal) // 2
    end_of_text = token_ids["<|endoftext|>"]
    return Glm4vMoeConfig(
        image_token_id=token_ids["<|image|>"],
        video_token_id=token_ids["<|video|>"],
        image_start_token_id=token_ids["<|begin_of_image|>"],
        image_end_token_id=token_ids["<|end_of_image|>"],
        video_start_token_id=token_ids["<|begin_of_video|>"],
        video_end_token_id=token_ids["<|end_of_video|>"],
        text_config={
            "vocab_size": vocabulary_size,
            "hidden_size": shape.hidden_size,
            "intermediate_size": 2 * shape.hidden_size,
            "num_hidden_layers": shape.num_hidden_layers,
            "num_attention_heads": heads,
            "num_key_value_heads": 2,
            "max_position_embeddings": 1024,
            "moe_intermediate_size": shape.moe_intermediate_size,
            "n_routed_experts": shape.num_experts,
            "num_experts_per_tok": 2,
            "n_shared_experts": 1,
            "first_k_dense_replace": 1,
            "initializer_range": DEFAULT_INIT_STD,
            "pad_token_id": end_of_text,
            "eos_token_id": [end_of_text, token_ids["<|user|>"], token_ids["<|observation|>"]],
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "partial_rotary_factor": 0.5,
                "mrope_section": [rotary_frequencies - 2 * spatial, spatial, spatial],
            },
        },
        vision_config={
            "depth": shape.vision_depth,
            "hidden_size": shape.vision_hidden_size,
            "num_heads": 4,
            "image_size": shape.image_size,
            "patch_size": shape.patch_size,
            "out_hidden_size": shape.hidden_size,
            "intermediate_size": 2 * shape.hidden_size,
            "initializer_range": DEFAULT_INIT_STD,
        },
    )


def build_model(config: Glm4vMoeConfig, seed: int, init_std: float) -> Glm4vMoeForConditionalGeneration:
    """Return the model with weights drawn from `seed`: BF16, the router's correction bias F32."""
    model = Glm4vMoeForConditionalGeneration(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if name.endswith(".bias"):
                parameter.zero_()
            elif parameter.ndim == 1:
                parameter.fill_(1.0)
            else:
                parameter.normal_(0.0, init_std, generator=generator)
        router_biases = {
            name: torch.randn(buffer.shape, generator=generator) * ROUTER_BIAS_STD
            for name, buffer in sorted(model.named_buffers())
            if name.endswith("e_score_correction_bias")
        }
        model.to(torch.bfloat16)
        for name, bias in router_biases.items():
            owner = model.get_submodule(name.rpartition(".")[0])
            owner.e_score_correction_bias = bias
    return model
