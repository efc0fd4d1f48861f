"""Link packages, take links away, and take commands back.

| question | module |
| --- | --- |
| What does `link` do, step by step? | `link_command` |
| And the other commands? | `unlink_command`, `relink_command`, `undo_command`, `list_command` |
| How does a command start? | `command` (options, settings), `request` (arguments), `context` (where links go) |
| Which packages does `link` choose? | `plan_link`, with `package_choice`, `package`, `preparation` |
| What does one link change? | `single_link`, with `shims`, `command_scripts` |
| What fills a copy? | `copier`, the interface of `linkpack.copying` |
| What did a link displace, and which of several links puts it back? | `ownership`, `contested_paths` |
| What does `unlink` refuse to take away? | `plan_unlink`, `single_unlink`, asking `installed` |
| Which links does `relink` bring back? | `plan_relink`, `declared` |
| What is a change, a plan, a recorded link? | `states`; `builder` collects a plan |
| How is a plan applied whole or not at all, and undone? | `journal`, which makes each change by `steps` |
| Where is it kept what is linked? | `record`, in the `state_folder` |
| How is a link saved in manifests and lockfiles? | `save`, `lockfile_entries`, `workspace_files` |
| What will Node find through the links? | `health`, `peers`, `package_tree`, `package_manager` |
| What is linked, and how does it fare? | `status`, `link_search`, `lost_links` |
| What changes outside of the project? | `outside_project` |
"""

from __future__ import annotations
