"""The tokenizer and chat template of the tiny model, built offline from text written in this file."""

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

# Names as in GLM-4.5V, so that templates and processors written for it find the tokens they look for.
END_OF_TEXT = "<|endoftext|>"
IMAGE = "<|image|>"
BEGIN_OF_IMAGE = "<|begin_of_image|>"
END_OF_IMAGE = "<|end_of_image|>"
BEGIN_OF_VIDEO = "<|begin_of_video|>"
END_OF_VIDEO = "<|end_of_video|>"
USER = "<|user|>"
OBSERVATION = "<|observation|>"
SPECIAL_TOKENS = (
    END_OF_TEXT,
    "[gMASK]",
    "<sop>",
    "<|system|>",
    USER,
    "<|assistant|>",
    OBSERVATION,
    BEGIN_OF_IMAGE,
    END_OF_IMAGE,
    BEGIN_OF_VIDEO,
    END_OF_VIDEO,
    IMAGE,
    "<|video|>",
)

# Text with the words that the tiny data set uses: the tokenizer learns its merges from it. Other text still
# encodes (byte level), only into more tokens. One word per line: an answer starts right after a line break.
CORPUS = (
    "What colour are the shapes? What colour is the background? What colour is the frame? Which shape is drawn? "
    "How many shapes are there? What is the opposite of",
    "red\ngreen\nblue\nyellow\npurple\nwhite\nblack\ngrey\norange\ncyan\nsquare\nring\ncross\ncircle\ntriangle",
    "one\ntwo\nthree\nfour\nleft\nright\ntop\nbottom\nup\ndown\nday\nnight\nbig\nsmall\nhot\ncold\nopen\nclosed",
    " up down day night big small hot cold open closed left right top bottom",
)
# Upper limit, and the number of rows of the model's embedding.
VOCABULARY_SIZE = 448

# A message content is a string or a list of {"type": "image"} and {"type": "text", "text": ...} parts.
CHAT_TEMPLATE = (
    "[gMASK]<sop>"
    "{%- for message in messages -%}"
    "{{- '<|' + message.role + '|>\\n' -}}"
    "{%- if message.content is string -%}{{ message.content }}"
    "{%- else -%}{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}<|begin_of_image|><|image|><|end_of_image|>"
    "{%- else -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{%- if message.role == 'assistant' -%}<|endoftext|>{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}"
)


def build_tokenizer() -> Tokenizer:
    """Return a byte-level BPE tokenizer of `VOCABULARY_SIZE` entries; equal on every call."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=[AddedToken(token, special=True) for token in SPECIAL_TOKENS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer
