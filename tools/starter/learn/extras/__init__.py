"""What artists add to a checkpoint: LoRAs, a textual inversion, a hypernetwork, a better decoder.

Each is trained on the starter as it ships and written in the form that artists' files have.
"""
