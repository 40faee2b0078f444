"""The Python interface: what `import rppgbench` exports."""
