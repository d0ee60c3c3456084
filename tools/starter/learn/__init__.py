"""How the starter models learn: the pool of painted pictures, what is made of it, what is exported.

`plan` says who learns how much, `loop` is the one training loop, `tools.starter.train` the command.
"""
