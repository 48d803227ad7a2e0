"""The app catalog: what there is, in which version, what each version brought, and which organizations may use it."""
