"""LoRAs of every kind, merged into the weights and taken out again bit for bit.

lora = read_lora(path, family, variant)        mapped, checked, and nothing computed yet
keys = merge(modules, originals, [(lora, 0.8, 0.8)], before=())
keys = merge(modules, originals, [], before=keys)        the weights of the file again
"""

from pipelines.models.lora.change import Change, Key, Lora
from pipelines.models.lora.merge import merge
from pipelines.models.lora.read import read_lora

__all__ = ["Change", "Key", "Lora", "merge", "read_lora"]
