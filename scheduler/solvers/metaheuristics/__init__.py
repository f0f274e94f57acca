"""Published improvement searches, one file each, with their departures from the paper.

`tabu_search` and `path_relinking` walk the disjunctive graph (`walking`, kernels `disjunctive`);
`simulated_annealing`, `genetic`, `particle_swarm` and `ant_colony` decode sequences (`serial`,
`population`, kernels `serial`). Imports `scheduler.model`, the array form, `search`, heuristics'
priorities and `kernels`; a search is found by its line in `scheduler/solvers/registry.py`.
"""
