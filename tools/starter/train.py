"""Makes a starter model from nothing: `python -m tools.starter.train starter --work DIR`.

Members share the painted pool, the autoencoder ("vae") and the judge ("probe"), which are made
once, on the way. Every stage keeps its state in the work folder; with --resume a run goes on there:
text encoders -> pool -> vae -> latents -> UNet -> export -> sheet -> probe -> figures.

Where hours are short, --begin names a starter to begin with: the one that ships, or the half
trained tools/starter/begun.safetensors. With --vae-steps 0 --text-steps 0 its autoencoder and its
text encoder are taken, the decoder trained on by --vae-decoder-steps; latents stay what they were.
All but the starter take its autoencoder as it is in any case.
"""

import argparse
import os
from dataclasses import fields
from pathlib import Path

import torch

from pipelines.engine.environment import settle_in
from tools.starter.learn.extras.make import Extras
from tools.starter.learn.plan import MEMBERS, Plan
from tools.starter.learn.workshop import Workshop


def main() -> None:
    settle_in()  # a step in half the time
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["vae", "probe", "extras", *MEMBERS])
    parser.add_argument("--work", type=Path, required=True, help="folder for everything in between")
    parser.add_argument("--resume", action="store_true", help="go on with what is there")
    parser.add_argument("--export", action="store_true", help="only export and judge it so far")
    parser.add_argument("--begin", type=Path, help="a starter to begin with, or build upon")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    for field in fields(Plan):
        flag = f"--{field.name.replace('_', '-')}"
        parser.add_argument(flag, type=int, default=field.default, help="default: %(default)s")
    options = parser.parse_args()
    if not options.resume and any(options.work.glob(f"{options.what}.*pt")):
        parser.error(f"{options.work} holds a {options.what} already: --resume, or another folder")
    if options.begin and not options.begin.is_file():
        parser.error(f"There is no file {options.begin}.")
    if not options.begin and not (options.vae_steps and options.text_steps):
        parser.error("With no steps for autoencoder or text encoder, --begin says whose to take.")
    if options.begin and options.what not in ("starter", "vae"):
        options.vae_steps = options.vae_decoder_steps = 0  # All members share one.
    if options.what in MEMBERS[1:] and not options.text_steps:
        parser.error(f"{options.what} reads in its own way: plan steps for its text encoders.")
    torch.set_num_threads(options.threads)
    plan = Plan(**{field.name: getattr(options, field.name) for field in fields(Plan)})
    workshop = Workshop(options.work, plan, options.begin)
    if options.what in ("vae", "probe"):
        getattr(workshop, options.what)()
        return
    if options.what == "extras":
        Extras(workshop).make()
        return
    workshop.export(options.what) if options.export else workshop.train(options.what)
    workshop.judge(options.what)


if __name__ == "__main__":
    main()
