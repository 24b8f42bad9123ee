"""A Hub id, a folder, the packaged model or an encoder known by name -> local files, at a revision.

Weights are safetensors or ONNX, or nothing; code is fetched only for who sets ``trust_remote_code``.
"""

from conflict_events.hub.encoders import ENCODERS, known_encoder
from conflict_events.hub.packaged import default_model, write_manifest
from conflict_events.hub.resolving import resolve

__all__ = ["ENCODERS", "default_model", "known_encoder", "resolve", "write_manifest"]
