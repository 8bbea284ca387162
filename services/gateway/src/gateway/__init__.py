"""The only public door: people, studies, jobs, results and reports."""
