"""The outbox: all that goes out at the end of a turn, or answers a question.

`dispatch` tells agents their queues, `wake` asks for the next tick, `records` gives out runs and
their stories, `views` shows the site, `preview` answers dry runs. The room imports every other one
and is imported by `brain` alone; begin at `dispatch.dispatch`.
"""
