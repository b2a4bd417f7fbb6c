"""`python -P -m plctl.agent`: the agent as a process of its own, as `plctl run` starts it."""

from plctl.agent.commands.agent import agent

if __name__ == "__main__":
    agent(prog_name="plctl agent")
