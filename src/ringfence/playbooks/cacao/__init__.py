"""Exchange of playbooks as OASIS CACAO 2.0 documents: `writing` gives one, `taking` takes one, both say what is left out.

`rules` holds the rules of the format, `reading` checks a document against them. Nothing here does I/O.
"""
