"""The sockets, files and processes around the brain of an agent.

`daemon.py` starts an agent, `agent.py` carries events to the brain and its instructions out,
`crew.py` and `worker_process.py` keep the workers, `store_connection.py` is the line to the store,
`supplies.py` fetches tensors and models, `links.py` measures links to other boxes. May import all
other rooms of `devices`. Begin with `agent.py`.
"""
