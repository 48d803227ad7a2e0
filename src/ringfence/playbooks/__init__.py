"""The playbook language: a YAML document, its checks and the plan that the runtime follows.

    text ──document.read──▶ Document ──checks.check──▶ problems
                               │
                               └─compiler.compile_playbook──▶ Plan ──schedule.ready / run_status──▶ what to do next

Everything here is pure: no files, no network, no database, no clock. What actions exist is told by a `model.Catalogue`.
"""
