"""Prove a release: play a version of a playbook against the simulator, with a disposable database and a clock that jumps.

It is a process of its own (`python -m ringfence.proving`, see `__main__`): its clock is not ours, and nothing that a playbook
does in it can reach what is real. Nothing imports it; who wants a proof starts it (`rehearsals.prover`).
"""
