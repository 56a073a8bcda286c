"""What a model is asked for a problem."""

from dataclasses import replace

from knm.problems import Problem, PromptTemplate
from knm.records import Request


def problem_request(problem: Problem, template: PromptTemplate, language: str) -> Request:
    """One greedy answer in `language`, as long as the engine allows; `replace` varies it.

    Raises:
        UserError: the template is for other languages or problems, or the language is unknown.
    """
    template.check_problem(problem, language)
    request = statement_request(problem.question_id, problem.question_content, template, language)
    return request if template.chat else replace(request, stop=problem.stop)


def statement_request(
    name: str, statement: str, template: PromptTemplate, language: str
) -> Request:
    """The same for any `statement`, under the id `name`.

    Raises:
        UserError: the template is for other languages, or the language is unknown.
    """
    return Request(
        name,
        template.render(statement, language),
        chat=template.chat,
        system=template.render_system(language),
        chat_arguments=template.arguments,
    )
