-- Note which state of the project has built these models.
update orchestrator.models
set project = %(project)s
where model = any(%(names)s) and project is distinct from %(project)s
