-- Ask for a tenant's local days; null asks for all of them.
select orchestrator.request(
    p_model => %(model)s,
    p_tenant => %(tenant)s,
    p_from => %(first)s,
    p_to => %(last)s
)
