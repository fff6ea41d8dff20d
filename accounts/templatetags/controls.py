"""How forms that others wrote look like ours."""

from django import template
from django.forms import BoundField, CheckboxInput
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's input, in our class and without a placeholder that repeats the label."""
    is_tick = isinstance(field.field.widget, CheckboxInput)
    attrs: dict[str, str | bool] = {"class": "form-check-input" if is_tick else "form-control", "placeholder": ""}
    if field.errors:
        attrs["aria-describedby"] = f"{field.auto_id}_error"
    return field.as_widget(attrs=attrs)
