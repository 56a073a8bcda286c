"""What a model is asked for a problem."""

from knm.problems import Problem, PromptTemplate
from knm.records import Request


def problem_request(problem: Problem, template: PromptTemplate, language: str) -> Request:
    """One greedy answer in `language`, as long as the engine allows; `replace` varies it.

    Raises:
        UserError: the template is for other languages or problems, or the language is unknown.
    """
    template.check_problem(problem, language)
    return Request(
        problem.question_id,
        template.render(problem.question_content, language),
        chat=template.chat,
        stop=() if template.chat else problem.stop,
        system=template.render_system(language),
        chat_arguments=template.arguments,
    )
